import { createHash, randomBytes } from 'node:crypto'
import { link, rm } from 'node:fs/promises'
import { AgentError, errnoOf } from '../base/errors.ts'
import { onFile } from './on-file.ts'
import { isRunning, processId } from './process-facts.ts'
import { readBoundedText } from './read-file.ts'
import { readBootId } from './system-facts.ts'
import { systemText } from './system-file.ts'
import { createFile } from './write-file.ts'

/** A file that says which process uses a folder. */
export interface ProcessLock {
  /** Gives the lock back; harmless when somebody else has it by now. */
  release(): Promise<void>
}

interface Holder {
  readonly text: string
  readonly pid: number
}

const mostTries = 8
const mostLockBytes = 256

/**
 * Takes the lock `path`, which holds `PID START-TIME BOOT-ID`. One whose process has ended is taken over: a process is the
 * holder only if pid, start time and boot are the same, so that a pid that was given out again does not count.
 *
 * @throws AgentError `ALREADY_RUNNING` when the holder runs (`details.pid`); `FILE_ACCESS`, `DISK_FULL`
 */
export function takeProcessLock(path: string): Promise<ProcessLock> {
  return onFile('take the lock', path, async () => {
    const own = `${await processIdentity(processId())}\n`
    // Made aside and linked: whoever sees a lock sees all of it.
    const aside = `${path}.${randomBytes(6).toString('hex')}`
    // Nothing in it is secret; and while it has two names, root reads no private file in a folder of others.
    await createFile(aside, own, { mode: 0o644 })
    try {
      await take(path, aside, own)
      return { release: () => release(path, own) }
    } finally {
      await rm(aside, { force: true })
    }
  })
}

/** Links `aside`, which says `own`, to `path` when nobody holds that. */
async function take(path: string, aside: string, own: string): Promise<void> {
  for (let tries = 0; tries < mostTries; tries++) {
    if (await linked(aside, path)) return
    const holder = await readHolder(path)
    if (holder === undefined) continue
    // From before this process began anew as another program.
    if (holder.text === own) return
    if (await isHeld(holder)) {
      const message = `process ${holder.pid} holds ${path}`
      throw new AgentError('ALREADY_RUNNING', message, { details: { pid: holder.pid, path } })
    }
    await removeStale(path, holder, aside, own)
  }
  throw new AgentError('ALREADY_RUNNING', `others take ${path} again and again`, { details: { path } })
}

/** The process that holds the lock `path` now, or undefined. Throws `FILE_ACCESS` when this user may not see that. */
export async function lockHolder(path: string): Promise<number | undefined> {
  const holder = await readHolder(path)
  return holder !== undefined && (await isHeld(holder)) ? holder.pid : undefined
}

async function release(path: string, own: string): Promise<void> {
  if ((await readHolder(path))?.text === own) await onFile('remove', path, () => rm(path, { force: true }))
}

/**
 * Removes a lock whose holder has ended, if it is still the same. Between the look and the removal nobody else may do so, or
 * what they remove is the lock of whoever was quicker: so this needs a lock too, one of its own for each holder that has
 * ended. Who ends while having that one has left a stale lock like any other.
 */
async function removeStale(path: string, holder: Holder, aside: string, own: string): Promise<void> {
  const claim = `${path}.${createHash('sha256').update(holder.text).digest('hex').slice(0, 12)}`
  await take(claim, aside, own)
  try {
    if ((await readHolder(path))?.text === holder.text) await rm(path, { force: true })
  } finally {
    await rm(claim, { force: true })
  }
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false
    throw error
  }
}

/** What the lock says; undefined when there is none. Content that is none of ours (a power cut) is a holder with pid 0. */
async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    const text = await readBoundedText(path, mostLockBytes)
    return { text, pid: Number(/^(\d{1,10}) /.exec(text)?.[1] ?? 0) }
  } catch (error) {
    if (error instanceof AgentError && error.code === 'FILE_NOT_FOUND') return undefined
    throw error
  }
}

async function isHeld({ text, pid }: Holder): Promise<boolean> {
  return pid !== 0 && isRunning(pid) && text === `${await processIdentity(pid)}\n`
}

/** `PID START-TIME BOOT-ID`: names this one run of a process for ever; what the system does not tell is `-`. */
export async function processIdentity(pid: number): Promise<string> {
  const stat = await systemText('/', `proc/${pid}/stat`)
  // The name in parentheses may hold anything; the 22nd field is the 20th behind it.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
  // A process that ended and that nobody has asked about yet (a zombie) holds nothing.
  const started = fields?.[0] === 'Z' || fields?.[0] === 'X' ? 'ended' : fields?.[19]
  return `${pid} ${started ?? '-'} ${(await readBootId()) ?? '-'}`
}
