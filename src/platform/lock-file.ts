import { randomBytes } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { type FileHandle, link, open, rm } from 'node:fs/promises'
import { systemClock } from '../base/clock.ts'
import { AgentError, errnoOf } from '../base/errors.ts'
import { sleep } from '../base/wait.ts'
import { hasNoLinks } from './put-in-place.ts'
import { readBoundedText } from './read-file.ts'
import { assertWhole, writeWhole } from './write-whole.ts'

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants

const mostBytes = 256
/** A file that is written where it stands is seen before it is whole: how often and how long a reader waits for the rest. */
const rest = { tries: 4, waitMs: 250 }

/**
 * Makes the file `path` with a line of text, whole for everybody who sees it; false when it exists. Nothing is forced to the
 * disk: after a power cut it says nothing that is true.
 */
export async function makeLockFile(path: string, line: string): Promise<boolean> {
  const aside = `${path}.${randomBytes(6).toString('hex')}`
  try {
    await write(aside, line)
    await link(aside, path)
    return true
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false
    if (!hasNoLinks(error)) throw error
  } finally {
    await rm(aside, { force: true })
  }
  return await makeInPlace(path, line)
}

/** As {@link makeLockFile}, on a file system without hard links. */
async function makeInPlace(path: string, line: string): Promise<boolean> {
  try {
    await write(path, line)
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false
    throw error
  }
  // Who stood still for long between making and writing may have been taken for one that ended.
  return (await readLockFile(path)) === line
}

/** What a lock file says, with its line end; undefined when there is none. Without a line end it is half of something. */
export async function readLockFile(path: string): Promise<string | undefined> {
  for (let tries = 1; ; tries++) {
    try {
      const text = await readBoundedText(path, mostBytes)
      if (text.endsWith('\n') || tries > rest.tries) return text
    } catch (error) {
      if (error instanceof AgentError && error.code === 'FILE_NOT_FOUND') return undefined
      throw error
    }
    await sleep(systemClock, rest.waitMs)
  }
}

/** As {@link readLockFile}, within this turn of the event loop, and undefined also for what cannot be read. */
export function readLockFileNow(path: string): string | undefined {
  let file: number | undefined
  try {
    file = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    if (!fstatSync(file).isFile()) return undefined
    const bytes = Buffer.alloc(mostBytes)
    return bytes.toString('utf8', 0, readSync(file, bytes))
  } catch {
    return undefined
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

async function write(path: string, line: string): Promise<void> {
  let file: FileHandle | undefined
  try {
    file = await open(path, 'wx', 0o644)
    // Nothing in it is secret; and while it has two names, root reads no private file in a folder of others.
    await file.chmod(0o644).catch(() => {})
    const content = Buffer.from(line)
    await writeWhole(file, content)
    assertWhole((await file.stat()).size, content.length)
  } catch (error) {
    if (file !== undefined) await rm(path, { force: true }).catch(() => {})
    throw error
  } finally {
    await file?.close()
  }
}
