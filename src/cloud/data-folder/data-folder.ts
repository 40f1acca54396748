// SPDX-License-Identifier: Apache-2.0
/** The data folder on a machine with other users: a file there is trusted only if no other user could write or read it. */
import { constants } from 'node:fs'
import { chmod, link, lstat, mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { newId } from '../values/ids.ts'

const othersMayWrite = 0o022
const othersMayDoAnything = 0o077

/** Makes the folder for this user alone, or checks an existing one. Throws when another user could change it. */
export async function prepareFolder(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const itself = await lstat(dir)
  const target = await stat(dir)
  if (!target.isDirectory()) throw new Error(`${dir} is not a folder. Choose another one with --data.`)
  for (const { uid } of [itself, target])
    if (!isTrusted(uid))
      throw new Error(`${dir} belongs to another user (uid ${uid}). Choose another folder with --data.`)
  if ((target.mode & othersMayWrite) === 0) return
  await chmod(dir, target.mode & 0o755)
  if (((await stat(dir)).mode & othersMayWrite) !== 0)
    throw new Error(
      `Other users can write to ${dir}, because its file system keeps no modes. Choose another folder with --data.`,
    )
}

/** The text of a file that only this user can read or write, and that is not a link; undefined for any other. */
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

/** Replaces a file in one step; never writes through a link. */
export async function putFile(dir: string, name: string, text: string, mode: 0o600 | 0o644): Promise<void> {
  const fresh = await writeBeside(dir, name, text, mode)
  await rename(fresh, join(dir, name))
}

/** As {@link putFile} with mode 0600, but false when the file exists: of two processes that start at once, the first wins. */
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
    // The umask may have removed bits of the mode.
    await handle.chmod(mode)
  } finally {
    await handle.close()
  }
  return path
}

/** True for this user, and for root, who can read everything anyway. */
function isTrusted(uid: number): boolean {
  const own = process.geteuid?.()
  return own === undefined || uid === own || uid === 0
}
