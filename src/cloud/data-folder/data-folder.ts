/** The data folder on a machine with other users: what lies there is believed only if nobody else could write or read it. */
import { constants } from 'node:fs'
import { chmod, link, lstat, mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { newId } from '../values/ids.ts'

const othersMayWrite = 0o022
const othersMayDoAnything = 0o077

/** Makes the folder for this user alone, or checks the one that is there. Throws when somebody else could change it. */
export async function prepareFolder(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const itself = await lstat(dir)
  const target = await stat(dir)
  if (!target.isDirectory()) throw new Error(`${dir} is no folder: choose another with --data`)
  for (const { uid } of [itself, target])
    if (!isTrusted(uid)) throw new Error(`${dir} belongs to another user (uid ${uid}): choose another with --data`)
  if ((target.mode & othersMayWrite) === 0) return
  await chmod(dir, target.mode & 0o755)
  if (((await stat(dir)).mode & othersMayWrite) !== 0)
    throw new Error(`Other users can write to ${dir}, whose file system keeps no modes: choose another with --data`)
}

/** The text of a file that only this user can read or write, and that is no link; undefined when there is none such. */
export async function readPrivate(path: string, maxBytes: number): Promise<string | undefined> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    () => undefined,
  )
  if (handle === undefined) return undefined
  try {
    const { uid, mode, size } = await handle.stat()
    const isRegular = (mode & constants.S_IFMT) === constants.S_IFREG
    if (!isRegular || size > maxBytes || !isTrusted(uid) || (mode & othersMayDoAnything) !== 0) return undefined
    return await handle.readFile('utf8')
  } finally {
    await handle.close()
  }
}

/** Puts a file in the place of whatever is there, in one step; never through a link. */
export async function putFile(dir: string, name: string, text: string, mode: 0o600 | 0o644): Promise<void> {
  const fresh = await writeBeside(dir, name, text, mode)
  await rename(fresh, join(dir, name))
}

/** As {@link putFile} with mode 0600, but false when there is one already: of two that start at once, the first one's stays. */
export async function addPrivate(dir: string, name: string, text: string): Promise<boolean> {
  const fresh = await writeBeside(dir, name, text, 0o600)
  try {
    await link(fresh, join(dir, name))
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  } finally {
    await rm(fresh, { force: true })
  }
}

async function writeBeside(dir: string, name: string, text: string, mode: number): Promise<string> {
  const path = join(dir, `.${name}-${newId()}`)
  const handle = await open(path, 'wx', mode)
  try {
    await handle.writeFile(text)
    // The umask may have taken from the mode what others are to have.
    await handle.chmod(mode)
  } finally {
    await handle.close()
  }
  return path
}

/** This user, and root, who can read everything anyway. */
function isTrusted(uid: number): boolean {
  const own = process.geteuid?.()
  return own === undefined || uid === own || uid === 0
}
