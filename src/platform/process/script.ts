// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process'
import type { Clock } from '../../base/clock.ts'
import { AgentError, errnoOf } from '../../base/errors.ts'
import { sleep, waitFor } from '../../base/wait.ts'
import { fileFailure } from '../files/file-failure.ts'
import { readBoundedText } from '../files/read-file.ts'
import { removeFile } from '../files/write-file.ts'
import { processEnvironment } from './process-facts.ts'
import { isProcessAlive, pidIn, processIdentity } from './process-identity.ts'
import { boundScriptLog, openScriptLog } from './script-log.ts'
import { spawned } from './spawned.ts'

/** A shell command that outlives this process, so that it may stop, replace or restart it. */
export interface ScriptRequest {
  readonly command: string
  /** Where it runs, absolute. */
  readonly folder: string
  /** Its output is added here. */
  readonly logPath: string
  /** Where its exit code is written when it ends, for the process that runs then. */
  readonly exitPath: string
  /** Variables beside PATH, HOME, LANG and TZ. */
  readonly variables: Readonly<Record<string, string>>
}

/** A script that waits for the order to begin. */
export interface HeldScript {
  /** The identity of its process, see {@link processIdentity}; valid for the next process of the agent, too. */
  readonly mark: string
  /** Lets it begin. */
  begin(): void
  /** Ends it without having begun. */
  dismiss(): void
}

/** How a script ended; `lost`: it is gone without an exit code. */
export type ScriptEnd =
  | { readonly ended: 'exit'; readonly code: number }
  | { readonly ended: 'timeout' }
  | { readonly ended: 'lost' }

/**
 * Reads one line before it does anything, so that its parent process can first record on flash that the script is about to run.
 * Without the line (the parent was killed) nothing happens. The exit code appears under its name complete or not at all. Files that
 * the script installs are readable for all users, although the service keeps its own files private.
 */
const wrapper =
  'umask 022; IFS= read -r go || exit 125; [ "$go" = go ] || exit 125; /bin/sh -c "$2" </dev/null; code=$?; ' +
  'echo "$code" >"$1.new" && mv -f "$1.new" "$1"; exit "$code"'

const standardPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const maxExitBytes = 64

/**
 * Prepares a script in a process group of its own. Its output goes to the log directly, because it lives on when this process ends.
 *
 * @throws AgentError `FILE_NOT_FOUND`, `FILE_ACCESS`, `DISK_FULL`
 */
export async function holdScript(request: ScriptRequest): Promise<HeldScript> {
  const { command, folder, logPath, exitPath, variables } = request
  await removeFile(exitPath)
  const log = await openScriptLog(logPath)
  try {
    const child = await spawned('/bin/sh', () =>
      spawn('/bin/sh', ['-c', wrapper, 'device-cloud', exitPath, command], {
        cwd: folder,
        env: { ...cleanEnvironment(), ...variables },
        stdio: ['pipe', log.fd, log.fd],
        detached: true,
      }),
    )
    // The script may have ended before it gets the order.
    child.stdin?.on('error', () => {})
    const mark = await processIdentity(child.pid ?? 0)
    return { mark, begin: () => void child.stdin?.end('go\n'), dismiss: () => void child.stdin?.destroy() }
  } finally {
    await log.close()
  }
}

function cleanEnvironment(): Record<string, string> {
  const own = processEnvironment()
  const kept = ['HOME', 'LANG', 'TZ'].flatMap(name => {
    const value = own[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return { PATH: own.PATH || standardPath, ...Object.fromEntries(kept) }
}

const lookMs = 100
const graceMs = 5_000
/** How long after the end of its process the exit code may take to appear: it is written before. */
const missedTries = 2

/**
 * Waits until a script has ended, also one of a former process, and keeps its log within bounds. At the deadline its whole process
 * group is ended.
 *
 * @throws AgentError the reason of `signal`; the script goes on then
 */
export async function awaitScript(parts: {
  readonly mark: string
  readonly exitPath: string
  readonly logPath: string
  readonly maxLogBytes: number
  readonly timeoutMs: number
  readonly clock: Clock
  readonly signal: AbortSignal
}): Promise<ScriptEnd> {
  const { mark, exitPath, logPath, maxLogBytes, timeoutMs, clock, signal } = parts
  const untilMs = clock.monotonicMs() + timeoutMs
  for (let missed = 0; missed < missedTries; ) {
    await boundScriptLog(logPath, maxLogBytes)
    const code = await exitCode(exitPath)
    if (code !== undefined) return { ended: 'exit', code }
    if (!(await isProcessAlive(mark))) missed++
    else if (clock.monotonicMs() >= untilMs) {
      await endGroup(mark, clock)
      return { ended: 'timeout' }
    }
    await waitFor<void>(signal, resolve => {
      const timer = clock.timer(lookMs, resolve)
      return () => timer.cancel()
    })
  }
  return { ended: 'lost' }
}

async function exitCode(path: string): Promise<number | undefined> {
  try {
    const text = await readBoundedText(path, maxExitBytes)
    return /^\d{1,3}\n$/.test(text) ? Number(text) : undefined
  } catch (error) {
    if (error instanceof AgentError && error.code === 'FILE_NOT_FOUND') return undefined
    throw error
  }
}

/** Whether a script has left its exit code. */
export async function hasExitCode(path: string): Promise<boolean> {
  return (await exitCode(path)) !== undefined
}

async function endGroup(mark: string, clock: Clock): Promise<void> {
  killGroup(pidIn(mark), 'SIGTERM')
  const untilMs = clock.monotonicMs() + graceMs
  while ((await isProcessAlive(mark)) && clock.monotonicMs() < untilMs) await sleep(clock, lookMs)
  // What it started may still run in its group.
  killGroup(pidIn(mark), 'SIGKILL')
}

function killGroup(pid: number, signal: NodeJS.Signals): void {
  if (pid <= 1) return
  try {
    process.kill(-pid, signal)
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw fileFailure('end', `process group ${pid}`, error)
  }
}
