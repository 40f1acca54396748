// SPDX-License-Identifier: Apache-2.0
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import type { Clock } from '../../base/clock.ts'
import { sleep } from '../../base/wait.ts'
import { fileFailure } from '../files/file-failure.ts'
import { OutputTail } from './output-tail.ts'
import { processEnvironment } from './process-facts.ts'
import { hasStart, isProcessAlive, pidIn, processIdentity } from './process-identity.ts'

/** How a watched process ended. */
export interface WatchedEnd {
  /** Absent when a signal ended it. */
  readonly exitCode?: number
  readonly signal?: string
  /** The end of its output on stderr. */
  readonly lastWords: string
}

/** A program that runs instead of this one, as long as this one watches it. */
export interface WatchedProcess {
  /** The identity of this one run, see {@link processIdentity}. */
  readonly mark: string
  readonly ended: Promise<WatchedEnd>
  /** Asks it to end in good order, by the end of its stdin. Any end of this process does the same. */
  release(): void
  /** Ends it at once. */
  kill(): void
  reload(): void
}

const maxLastWords = 1024
const drainMs = 500
const lookMs = 200
const killMs = 5_000

/**
 * Starts a program with the environment, folder and outputs of this process, in its process group. Its stdin is a pipe whose only
 * message is its end: nothing watches the program any more.
 *
 * @throws AgentError `FILE_NOT_FOUND`, `FILE_ACCESS` when it cannot be started
 */
export async function startWatched(
  file: string,
  args: readonly string[],
  variables: Readonly<Record<string, string>>,
): Promise<WatchedProcess> {
  const child = spawn(file, [...args], {
    env: { ...processEnvironment(), ...variables },
    stdio: ['pipe', 'inherit', 'pipe'],
  })
  // It may be gone already when it is released.
  child.stdin.on('error', () => {})
  const ended = endOf(child)
  await new Promise<void>((resolve, reject) => {
    child.once('error', error => reject(fileFailure('run', file, error)))
    child.once('spawn', () => resolve())
  })
  return {
    mark: await processIdentity(child.pid ?? 0),
    ended,
    release: () => void child.stdin.destroy(),
    kill: () => void child.kill('SIGKILL'),
    reload: () => void child.kill('SIGHUP'),
  }
}

/** Passes the stderr of a program on, and waits for its end. */
function endOf(child: ChildProcessByStdio<Writable, null, Readable>): Promise<WatchedEnd> {
  const tail = new OutputTail(maxLastWords)
  child.stderr.on('data', (part: Buffer) => {
    tail.add(part)
    process.stderr.write(part)
  })
  return new Promise<WatchedEnd>(resolve => {
    child.once('exit', (exitCode, signal) => {
      const report = () =>
        resolve({
          ...(exitCode === null ? {} : { exitCode }),
          ...(signal === null ? {} : { signal }),
          lastWords: tail.text().trim(),
        })
      child.once('close', report)
      // A process that it has started may hold its stderr for ever.
      setTimeout(() => {
        child.stderr.destroy()
        report()
      }, drainMs)
    })
  })
}

/** Calls `onEnd` when the process that started this one with {@link startWatched} stops watching it. */
export function onUnwatched(onEnd: () => void): void {
  process.stdin.once('end', onEnd)
  process.stdin.once('error', onEnd)
  process.stdin.resume()
  // This wait must not keep the process alive.
  const { unref } = process.stdin as { unref?: () => void }
  unref?.call(process.stdin)
}

/**
 * Waits until the process that a mark names has ended, and ends it when that takes longer than `timeoutMs`. A mark without the
 * start of its process, made where /proc is not mounted, may by now name any process: it is neither awaited nor ended.
 */
export async function untilGone(mark: string, timeoutMs: number, clock: Clock): Promise<void> {
  if (!hasStart(mark)) return
  const pid = pidIn(mark)
  const untilMs = clock.monotonicMs() + timeoutMs
  while (pid > 1 && (await isProcessAlive(mark))) {
    const overMs = clock.monotonicMs() - untilMs
    if (overMs >= 0) killOne(pid)
    // A process that the kernel does not let end must not keep the agent waiting.
    if (overMs >= killMs) return
    await sleep(clock, lookMs)
  }
}

function killOne(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // The process has ended meanwhile.
  }
}
