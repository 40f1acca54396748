// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto'
import { closeSync, fchmodSync, openSync, rmSync } from 'node:fs'
import { link } from 'node:fs/promises'
import { systemClock } from '../../base/clock.ts'
import { AgentError, errnoOf } from '../../base/errors.ts'
import { sleep } from '../../base/wait.ts'
import { hasNoLinks } from '../files/put-in-place.ts'
import { readBoundedText } from '../files/read-file.ts'
import { readNow } from '../files/read-now.ts'
import { assertWholeNow, writeWholeNow } from '../files/write-whole.ts'

const maxBytes = 256
/** A file that is written in place is visible before it is complete: how often and how long a reader waits for the rest. */
const rest = { tries: 4, waitMs: 250 }

/**
 * Makes the file `path` with a line of text, complete for every reader; false when it exists. It is not forced to the disk: after
 * a power cut its content would be wrong in any case.
 */
export async function makeLockFile(path: string, line: string): Promise<boolean> {
  const aside = `${path}.${randomBytes(6).toString('hex')}`
  try {
    write(aside, line)
    await link(aside, path)
    return true
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false
    if (!hasNoLinks(error)) throw error
  } finally {
    rmSync(aside, { force: true })
  }
  return await makeInPlace(path, line)
}

/** As {@link makeLockFile}, on a file system without hard links. */
async function makeInPlace(path: string, line: string): Promise<boolean> {
  try {
    write(path, line)
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false
    throw error
  }
  // A process that was stalled between creating and writing the file may have been taken for one that ended.
  return (await readLockFile(path)) === line
}

/** The text of a lock file, with its line end; undefined when there is no file. A text without a line end is incomplete. */
export async function readLockFile(path: string): Promise<string | undefined> {
  for (let tries = 1; ; tries++) {
    const text = lookNow(path) ?? (await readBoundedText(path, maxBytes).catch(absent))
    if (text === absence) return undefined
    if (text.endsWith('\n') || tries > rest.tries) return text
    await sleep(systemClock, rest.waitMs)
  }
}

/** As {@link readLockFile}, within this turn of the event loop, and undefined also for a file that cannot be read. */
export function readLockFileNow(path: string): string | undefined {
  const text = lookNow(path)
  return text === absence ? undefined : text
}

const absence = Symbol('there is no file')

/** The text of the file; undefined when it cannot be read for any other reason than its absence. */
function lookNow(path: string): string | typeof absence | undefined {
  try {
    const content = readNow(path, maxBytes + 1)
    return content === undefined || content.length > maxBytes ? undefined : content.toString()
  } catch (error) {
    return errnoOf(error) === 'ENOENT' ? absence : undefined
  }
}

function absent(error: unknown): typeof absence {
  if (error instanceof AgentError && error.code === 'FILE_NOT_FOUND') return absence
  throw error
}

/** Writes within this turn of the event loop: so small a file is written before a thread of the pool would have begun. */
function write(path: string, line: string): void {
  const file = openSync(path, 'wx', 0o644)
  try {
    makeReadable(file)
    const content = Buffer.from(line)
    writeWholeNow(file, content)
    assertWholeNow(file, content.length)
  } catch (error) {
    rmSync(path, { force: true })
    throw error
  } finally {
    closeSync(file)
  }
}

/** It holds no secret, and root does not read a private file with two names in a folder of another user. */
function makeReadable(file: number): void {
  try {
    fchmodSync(file, 0o644)
  } catch {
    // FAT and the like have no permissions.
  }
}
