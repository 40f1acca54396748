import { constants, existsSync } from 'node:fs'
import { type FileHandle, open, readdir, rm, rmdir, unlink } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { AgentError, errnoOf } from '../base/errors.ts'

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants
/** Each level holds a descriptor. */
const mostLevels = 200
/** What is put there while it is removed is removed too, so often. */
const mostTries = 3

/**
 * Removes `path` with all that is in it. Each folder is entered by the descriptor of the one above, and never through a link:
 * another user who can write there cannot lead the removal elsewhere, however quick he is.
 *
 * @param onEnter called when a folder was entered and before anything in it is removed; for tests, which are as quick as that user
 */
export async function removeTree(path: string, onEnter: () => Promise<void> = async () => {}): Promise<void> {
  const whole = resolve(path)
  let above: FileHandle
  try {
    above = await open(dirname(whole), O_RDONLY | O_DIRECTORY)
  } catch (error) {
    if (isGone(error)) return
    throw error
  }
  try {
    // Without /proc there is no way by a descriptor.
    if (!existsSync(pathOf(above))) return await rm(whole, { recursive: true, force: true })
    await removeEntry(above, basename(whole), 0, onEnter)
  } finally {
    await above.close()
  }
}

async function removeEntry(
  above: FileHandle,
  name: string,
  level: number,
  onEnter: () => Promise<void>,
): Promise<void> {
  const place = `${pathOf(above)}/${name}`
  if (level > mostLevels) throw new AgentError('LIMIT_EXCEEDED', `more than ${mostLevels} levels of folders`)
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
        for (const one of await readdir(pathOf(folder))) await removeEntry(folder, one, level + 1, onEnter)
      } finally {
        await folder.close()
      }
      return await rmdir(place)
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return
      // Something else has come in its place, or into it.
      const mayPass = ['ENOTDIR', 'ELOOP', 'ENOTEMPTY', 'EEXIST'].includes(errnoOf(error) ?? '')
      if (!mayPass) throw error
      if (tries === mostTries) throw errnoOf(error) === 'ENOTDIR' ? whyNotAFile : error
    }
  }
}

function pathOf(folder: FileHandle): string {
  return `/proc/self/fd/${folder.fd}`
}

function isGone(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')
}
