// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'
import { fileFacts } from '../../platform/files/file-facts.ts'
import { listFolder } from '../../platform/files/folders.ts'

const programPlaces = ['usr/bin/systemd-notify', 'bin/systemd-notify']
/** Where systemd has its own library, whose name has the version; Debian has a folder for each architecture. */
const libraryPlaces = ['usr/lib/systemd', 'lib/systemd']
const libraryName = /(?:^|\/)libsystemd-shared-(\d+)\b[^/]*\.so$/
/** From this version on `systemd-notify` waits until its message is read, so that it works for every user. */
const waitsSince = 246
/** From this version on a line of a unit may begin with `+`. */
const runsAsRootSince = 231

/** Why systemd on the device under `root` would take no notices of a service of `user`; undefined when it would. */
export async function whyMute(root: string, user: string): Promise<string | undefined> {
  let isThere = false
  for (const place of programPlaces) isThere ||= (await fileFacts(join(root, place)))?.kind === 'file'
  if (!isThere) return 'there is no systemd-notify on this system'
  if (user === 'root') return undefined
  const version = await systemdVersion(root)
  if (version !== undefined && version >= waitsSince) return undefined
  const has = version === undefined ? 'its version is unknown' : `this is ${version}`
  return `only systemd ${waitsSince} and later surely hears a service of a named user, and ${has}`
}

/** Why systemd on the device under `root` could not run a step as root beside a service of a named user; undefined when it could. */
export async function whyNoRootPart(root: string): Promise<string | undefined> {
  const version = await systemdVersion(root)
  if (version === undefined || version >= runsAsRootSince) return undefined
  return `only systemd ${runsAsRootSince} and later can run a step as root for a service of a named user, and this is ${version}`
}

async function systemdVersion(root: string): Promise<number | undefined> {
  for (const place of [...libraryPlaces, ...(await architectureFolders(root))]) {
    for await (const { path } of filesOf(join(root, place))) {
      const version = libraryName.exec(path)?.[1]
      if (version !== undefined) return Number(version)
    }
  }
  return undefined
}

async function architectureFolders(root: string): Promise<string[]> {
  const folders: string[] = []
  for await (const { path } of filesOf(join(root, 'usr/lib')))
    if (/^[\w]+-linux-\w+$/.test(path)) folders.push(`usr/lib/${path}/systemd`)
  return folders
}

async function* filesOf(folder: string): AsyncGenerator<{ readonly path: string }> {
  if ((await fileFacts(folder))?.kind === 'folder') yield* listFolder(folder, { maxEntries: 100_000, maxDepth: 1 })
}
