// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:fs'
import { type FileHandle, open, readdir, rm, rmdir, unlink } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { AgentError, errnoOf } from '../../base/errors.ts'
import { isSameFile, openFileFacts } from '../files/file-facts.ts'
import { pathBytes, rawBytes } from '../files/name-bytes.ts'
import { onFile } from '../files/on-file.ts'
import { descriptorPath, hasDescriptorPaths } from './descriptor.ts'
import { walkPath } from './walk.ts'

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants
/** Each level holds a descriptor. */
const maxLevels = 200
/** How often a removal begins anew when other programs put things there meanwhile. */
const maxTries = 3

/**
 * Removes `path` with everything in it. Each folder is entered by the descriptor of the one above, and never through a link:
 * another user who can write there cannot lead the removal elsewhere, however quickly. Links above it are followed only when root
 * or the user of this process has made them.
 *
 * @param onEnter called when a folder was entered and before anything in it is removed; tests act as a quick attacker there
 */
export async function removeTree(path: string, onEnter: () => Promise<void> = async () => {}): Promise<void> {
  const whole = resolve(path)
  // Without /proc there is no way by a descriptor.
  if (!(await hasDescriptorPaths())) return await rm(pathBytes(whole), { recursive: true, force: true })
  const above = await folderAbove(whole)
  if (above === undefined) return
  try {
    await removeEntry(above, rawBytes(basename(whole)), 0, onEnter)
  } finally {
    await above.close()
  }
}

/** The folder that `path` is in; undefined when it does not exist. */
async function folderAbove(path: string): Promise<FileHandle | undefined> {
  const walked = await walkPath(dirname(path))
  await walked.close()
  if (walked.failure !== undefined) throw walked.failure
  if (walked.missing.length > 0) return undefined
  const folder = await open(pathBytes(walked.path), O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
  if (isSameFile(await openFileFacts(folder), walked.last)) return folder
  await folder.close()
  throw new AgentError('PATH_REFUSED', `${dirname(path)} was replaced while it was looked at.`, { details: { path } })
}

async function removeEntry(
  above: FileHandle,
  name: Buffer,
  level: number,
  onEnter: () => Promise<void>,
): Promise<void> {
  const place = Buffer.concat([Buffer.from(`${descriptorPath(above)}/`), name])
  if (level > maxLevels) throw new AgentError('LIMIT_EXCEEDED', `There are more than ${maxLevels} levels of folders.`)
  for (let tries = 1; ; tries++) {
    let whyNotAFile: unknown
    try {
      return await unlink(place)
    } catch (error) {
      whyNotAFile = error
      if (isGone(error)) return
      if (!['EISDIR', 'EPERM'].includes(errnoOf(error) ?? '')) throw error
    }
    try {
      const folder = await open(place, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
      try {
        await onEnter()
        // As bytes: a name need not be UTF-8.
        for (const one of await readdir(descriptorPath(folder), { encoding: 'buffer' }))
          await removeEntry(folder, one, level + 1, onEnter)
      } finally {
        await folder.close()
      }
      return await rmdir(place)
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return
      // Another program has put something in its place, or into it.
      const mayPass = ['ENOTDIR', 'ELOOP', 'ENOTEMPTY', 'EEXIST'].includes(errnoOf(error) ?? '')
      if (!mayPass) throw error
      if (tries === maxTries) throw errnoOf(error) === 'ENOTDIR' ? whyNotAFile : error
    }
  }
}

function isGone(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')
}

/** Removes a folder with everything in it; links are removed and never followed. A missing folder is fine. */
export function removeFolder(path: string): Promise<void> {
  return onFile('remove', path, () => removeTree(path))
}
