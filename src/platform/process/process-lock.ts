// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { rmSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { AgentError } from '../../base/errors.ts'
import { onFile } from '../files/on-file.ts'
import { giveLifeSign, lifeAt } from './life-sign.ts'
import { makeLockFile, readLockFile, readLockFileNow } from './lock-file.ts'
import { processId } from './process-facts.ts'
import { isOfThisBoot, isProcessAlive, pidIn, processIdentity } from './process-identity.ts'

/** A file that says which process uses a folder. */
export interface ProcessLock {
  /** Gives the lock back; harmless when another process has it by now. */
  release(): Promise<void>
}

/** Runs `work` with the path by which a lock is reached now. */
export type Within = <T>(work: (path: string) => Promise<T>) => Promise<T>

/** A lock that is being taken: the path by which it is reached, the one that users know, and its content then. */
interface Taking {
  readonly path: string
  readonly shown: string
  readonly own: string
}

interface Holder {
  readonly text: string
  readonly pid: number
}

/** `elsewhere`: a process of other namespaces, which cannot be seen from here. */
type Standing = 'held' | 'elsewhere' | 'free'

const maxTries = 8

/**
 * Takes the lock `path`, which holds `PID START-TIME BOOT-ID`. The lock of a process that has ended is taken over: a
 * process is the holder only if pid, start time and boot are the same, so that a reused pid does not count. Beside it is a life sign
 * of the holder, for processes whose /proc does not show it, and for a second taker in the same process.
 *
 * @param within how the lock is reached where that is not by its path
 * @throws AgentError `ALREADY_RUNNING` when the holder runs (`details.pid`; `details.sameProcess` when it is this process);
 *   `FILE_ACCESS`, `DISK_FULL`
 */
export function takeProcessLock(path: string, within: Within = work => work(path)): Promise<ProcessLock> {
  return onFile('take the lock', path, () =>
    within(async at => {
      const taking = { path: at, shown: path, own: `${await processIdentity(processId())}\n` }
      // The lock of another process is only read: a process that waits for it writes nothing.
      const holder = await readHolder(at)
      if (holder !== undefined && holder.text !== taking.own) await throwIfHeld(taking, at, holder)
      const sign = await giveLifeSign(signPlace(at, taking.own))
      if (sign === 'taken') throw heldBySelf(path)
      try {
        await take(taking, at)
      } catch (error) {
        sign.end(signPlace(at, taking.own))
        throw error
      }
      await sweep(at)
      // Within this turn of the event loop, so that the end of a client does not wait for the disk.
      const release = async (now: string) => {
        if (readLockFileNow(now) === taking.own) rmSync(now, { force: true })
        sign.end(signPlace(now, taking.own))
      }
      return { release: () => onFile('remove', path, () => within(release)) }
    }),
  )
}

/** Makes the file `target` when no process holds it: the lock itself, or a lock that is needed to take it. */
async function take(taking: Taking, target: string): Promise<void> {
  const { shown, own } = taking
  for (let tries = 0; tries < maxTries; tries++) {
    if (await makeLockFile(target, own)) return
    const holder = await readHolder(target)
    if (holder === undefined) continue
    // It is from before this process replaced its program: a second taker in the same process would have found the life sign.
    if (holder.text === own) return
    await throwIfHeld(taking, target, holder)
    await removeStale(taking, target, holder)
  }
  throw new AgentError('ALREADY_RUNNING', `Other processes take ${shown} again and again.`, {
    details: { path: shown },
  })
}

/** The process that holds the lock `path` now, or undefined. Throws `FILE_ACCESS` when this user may not see that. */
export async function lockHolder(path: string): Promise<number | undefined> {
  const holder = await readHolder(path)
  return holder !== undefined && (await standingOf(path, holder)) !== 'free' ? holder.pid : undefined
}

/** The process that the lock `path` names, whether it runs or not. */
export async function lockedBy(path: string): Promise<number | undefined> {
  const pid = (await readHolder(path))?.pid
  return pid === 0 ? undefined : pid
}

/**
 * Removes a lock whose holder has ended, if it is still the same. Between the check and the removal no other process may do the same,
 * or it would remove the lock of a process that was quicker: so this needs a lock too, one for each holder that has ended. A
 * process that ends while it has that one leaves a stale lock like any other.
 */
async function removeStale(taking: Taking, target: string, { text }: Holder): Promise<void> {
  const claim = `${target}.${tagOf(text)}`
  await take(taking, claim)
  try {
    if ((await readHolder(target))?.text === text) rmSync(target, { force: true })
  } finally {
    rmSync(claim, { force: true })
  }
}

/** Removes the life signs of processes that ended while they had the lock `path`, or while they made one. */
async function sweep(path: string): Promise<void> {
  const folder = dirname(path)
  const names = await readdir(folder).catch(() => [])
  for (const name of names) {
    if (!name.startsWith(`${basename(path)}.`) || !/\.[0-9a-f]{12}\.alive(\.[0-9a-f]{12})?$/.test(name)) continue
    const place = join(folder, name)
    if ((await lifeAt(place)) === 'dead') removeIfPossible(place)
  }
}

function removeIfPossible(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch {
    // The next holder removes it.
  }
}

/** The content of the lock; undefined when there is none. Content that this program did not write (after a power cut) is a holder with pid 0. */
async function readHolder(path: string): Promise<Holder | undefined> {
  const text = await readLockFile(path)
  return text === undefined ? undefined : { text, pid: pidIn(text) }
}

async function standingOf(path: string, { text, pid }: Holder): Promise<Standing> {
  if (pid === 0) return 'free'
  const life = await lifeAt(signPlace(path, text))
  if (life === 'alive') return 'held'
  // Without a line end it is half of an identity.
  const identity = text.endsWith('\n') ? text.slice(0, -1) : ''
  if (await isProcessAlive(identity)) return 'held'
  return life === 'elsewhere' && (await isOfThisBoot(identity)) ? 'elsewhere' : 'free'
}

/** `target` is the lock that is taken, or a lock that is needed to take it; the life sign of its holder is beside the former. */
async function throwIfHeld({ path, shown }: Taking, target: string, holder: Holder): Promise<void> {
  const standing = await standingOf(path, holder)
  if (standing === 'free') return
  const { pid } = holder
  const details = { pid, path: shown }
  if (standing === 'held') throw new AgentError('ALREADY_RUNNING', `Process ${pid} holds ${shown}.`, { details })
  const message = `Process ${pid} of another container or PID namespace holds ${shown}, or has left it behind.`
  const remedy = `Stop that process. If it does not run any more, remove ${target === path ? shown : target}.`
  throw new AgentError('ALREADY_RUNNING', message, { details: { ...details, elsewhere: true }, remedy })
}

function heldBySelf(path: string): AgentError {
  const details = { pid: processId(), path, sameProcess: true }
  return new AgentError('ALREADY_RUNNING', `This process (${processId()}) holds ${path} already.`, { details })
}

/** The path of the life sign of a holder. It depends on the content of the lock, so that no process finds that of another holder. */
function signPlace(path: string, text: string): string {
  return `${path}.${tagOf(text)}.alive`
}

function tagOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12)
}
