// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../base/clock.ts'
import { AgentError, withoutStop } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import { SerialQueue } from '../base/serial-queue.ts'
import { sleep } from '../base/wait.ts'
import type { ProcessLock } from '../platform/process/process-lock.ts'
import type { StoreFolder } from '../platform/store/store-folder.ts'

/** Name of the lock in a queue folder. */
const lockName = 'lock'
const lookAgainMs = 200
/** How long a client waits for the queue of another process: an orderly end takes less. */
const maxWaitMs = 10_000

/** The state folder of a client, for one process alone: two processes that write in it would both lose data. */
export interface QueueFolder extends StoreFolder {
  /** Leaves the folder to the next process. Nothing is read or written here afterwards. */
  release(): Promise<void>
}

/**
 * A folder whose `prepare` takes the lock as well, and rejects `ALREADY_RUNNING` while another process has it; until then nothing
 * here is read or written. When the lock cannot be written (a full disk), the client logs it, works without the lock, and tries
 * again with the next `prepare`.
 */
export function queueFolder(folder: StoreFolder, log: Log): QueueFolder {
  let lock: ProcessLock | undefined
  let refusal: AgentError | undefined
  let isReleased = false
  const serial = new SerialQueue()

  const hold = async () => {
    if (lock !== undefined) return
    if (isReleased) throw refusal
    try {
      lock = await folder.lock(lockName)
      refusal = undefined
    } catch (error) {
      if (isInUse(error)) {
        refusal = error
        throw error
      }
      log.limited('queue lock', 'warn', 'queue folder not locked: see that no other process uses it', { error })
    }
  }
  const guarded = <T>(work: () => Promise<T>): Promise<T> =>
    refusal === undefined ? work() : Promise.reject<T>(refusal)
  const guardedNow = (work: () => void) => {
    if (refusal !== undefined) throw refusal
    work()
  }

  return {
    path: folder.path,
    async prepare() {
      await folder.prepare()
      await serial.run(hold)
    },
    names: () => guarded(() => folder.names()),
    size: name => guarded(() => folder.size(name)),
    read: (name, position, maxBytes) => guarded(() => folder.read(name, position, maxBytes)),
    create: (name, cause) => guarded(() => folder.create(name, cause)),
    reopen: (name, cause) => guarded(() => folder.reopen(name, cause)),
    replace: (name, content, cause) => guarded(() => folder.replace(name, content, cause)),
    rename: (from, to) => guarded(() => folder.rename(from, to)),
    remove: name => guarded(() => folder.remove(name)),
    createNow: (name, content, cause) => guardedNow(() => folder.createNow(name, content, cause)),
    replaceNow: (name, content, cause) => guardedNow(() => folder.replaceNow(name, content, cause)),
    lock: name => guarded(() => folder.lock(name)),
    release: () =>
      serial.run(async () => {
        isReleased = true
        refusal = new AgentError('CLOSED', 'The client is closed.')
        await lock?.release().catch(error => log.warn('the lock of the queue folder stays', { error }))
        lock = undefined
      }),
  }
}

/**
 * Takes the queue folder before anything in it is touched. While another process has it, waits or refuses, as `queueLock` says;
 * where samples stay in memory anyway, a second process is not refused because of the journal of actions.
 *
 * @throws AgentError `ALREADY_RUNNING`; the abort reason
 */
export async function claimQueue(parts: {
  readonly folder: QueueFolder
  readonly queueLock: 'wait' | 'refuse'
  readonly durability: 'spill' | 'always' | 'memory'
  readonly clock: Clock
  readonly log: Log
  readonly signal: AbortSignal
  /** Called when the wait begins. */
  readonly onWait: () => void
}): Promise<void> {
  const { folder, queueLock, durability, clock, log, signal, onWait } = parts
  const untilMs = clock.monotonicMs() + (queueLock === 'wait' ? maxWaitMs : 0)
  for (let looks = 0; ; looks++) {
    try {
      return await folder.prepare()
    } catch (error) {
      // Any other trouble with the folder is reported by the parts that keep something there.
      if (!isInUse(error)) return
      const { pid, sameProcess } = error.details
      if (durability === 'memory')
        return log.warn('another process uses the queue folder: the journal of actions stays in memory', { pid })
      if (sameProcess === true || clock.monotonicMs() >= untilMs) throw refusalOf(error)
      if (looks === 0) onWait()
      if (looks === 0)
        log.info('waiting for the end of another process, which uses the queue', { pid, maxMs: maxWaitMs })
    }
    await sleep(clock, lookAgainMs, signal)
  }
}

function isInUse(error: unknown): error is AgentError {
  return error instanceof AgentError && error.code === 'ALREADY_RUNNING'
}

function refusalOf(error: AgentError): AgentError {
  const { details } = error
  if (details.sameProcess === true)
    return new AgentError(
      'ALREADY_RUNNING',
      `Another client of this process uses the same queue: ${withoutStop(error.message)}.`,
      {
        cause: error,
        details,
        remedy: 'Use that client, or await its disconnect() before this one is used.',
      },
    )
  const own = 'Stop that process, or give this application an app id of its own.'
  return new AgentError(
    'ALREADY_RUNNING',
    `Another process uses the queue of this application: ${withoutStop(error.message)}.`,
    {
      cause: error,
      details,
      remedy: details.elsewhere === true ? error.remedy : own,
    },
  )
}
