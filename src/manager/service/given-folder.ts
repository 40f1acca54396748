// SPDX-License-Identifier: Apache-2.0
import { dirname } from 'node:path'
import { AgentError } from '../../base/errors.ts'
import { realPath } from '../../platform/files/contained-path.ts'
import { fileFacts } from '../../platform/files/file-facts.ts'
import { hasDescriptorPaths } from '../../platform/held/descriptor.ts'
import { walkPath } from '../../platform/held/walk.ts'
import type { Account } from './accounts.ts'

/** A folder that exists has an owner already, and only root may get it. */
const systemFolders = [
  '',
  ...['bin', 'boot', 'dev', 'etc', 'home', 'lib', 'lib32', 'lib64', 'media', 'mnt', 'opt', 'proc', 'root', 'run'],
  ...['sbin', 'srv', 'sys', 'tmp', 'usr', 'var'],
  ...['etc/default', 'etc/init.d', 'etc/systemd', 'etc/systemd/system'],
  ...['usr/bin', 'usr/lib', 'usr/libexec', 'usr/local', 'usr/local/bin', 'usr/local/etc', 'usr/local/lib', 'usr/sbin'],
  ...['usr/local/sbin', 'usr/local/share', 'usr/share'],
  ...['var/cache', 'var/lib', 'var/log', 'var/run', 'var/spool', 'var/tmp'],
].map(path => `/${path}`)

/**
 * The folder that becomes the service user's, or is that already, without links. Root gives away no folder that this user could
 * have named by a link of their own, and no folder of the system.
 *
 * @throws AgentError `PATH_REFUSED`, and nothing has been written
 */
export async function givenFolder(root: string, place: string, account: Account | undefined): Promise<string> {
  const real = await realPath(place)
  if (account === undefined) return real
  // A folder that the user owns already, or that is made in one of theirs, gives nothing away.
  if ((await nearestOwner(real)) === account.userId) return real
  const found = await withoutLinks(place, real)
  const base = await realPath(root)
  const onDevice = base === '/' ? found : found.slice(base.length) || '/'
  if (!systemFolders.includes(onDevice)) return found
  const message = `${place} is a folder of the system (${onDevice}), and will not be given to the user of the service; name one of its own`
  throw new AgentError('PATH_REFUSED', message, { details: { path: place } })
}

/** Refuses links of other users. Without /proc this is an image in the making, where no other user could have made one. */
async function withoutLinks(place: string, real: string): Promise<string> {
  if (!(await hasDescriptorPaths())) return real
  const walked = await walkPath(place)
  await walked.close()
  return walked.path
}

/** The owner of the folder, or of the nearest existing folder above it. */
async function nearestOwner(path: string): Promise<number | undefined> {
  for (let at = path; ; at = dirname(at)) {
    const facts = await fileFacts(at)
    if (facts !== undefined || at === '/') return facts?.ownerId
  }
}
