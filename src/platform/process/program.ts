// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process'
import type { Clock, Timer } from '../../base/clock.ts'
import { AgentError, errnoOf } from '../../base/errors.ts'
import { throwIfAborted } from '../../base/wait.ts'
import { fileFacts } from '../files/file-facts.ts'
import { fileFailure } from '../files/file-failure.ts'
import { OutputTail } from './output-tail.ts'
import { processEnvironment } from './process-facts.ts'

/** A program to run, without a shell. */
export interface ProgramRequest {
  /** A path, or a name that is looked for in PATH. */
  readonly file: string
  readonly args?: readonly string[]
  readonly folder?: string
  /** `inherit` (default) gives the agent's environment; `clean` only PATH, HOME, LANG and TZ. */
  readonly environment?: 'inherit' | 'clean'
  /** Variables to add for this run only. */
  readonly variables?: Readonly<Record<string, string>>
  readonly timeoutMs: number
  /** How much of the end of stdout and of stderr is kept. */
  readonly maxOutputBytes: number
  readonly signal?: AbortSignal
  readonly clock: Clock
}

/** How a program ended. */
export interface ProgramOutcome {
  /** `exit`: by itself; `timeout` and `aborted`: it was ended with everything that it had started. */
  readonly ended: 'exit' | 'timeout' | 'aborted'
  /** Absent when a signal ended it. */
  readonly exitCode?: number
  readonly signal?: string
  readonly stdout: string
  readonly stderr: string
  /** Bytes at the beginning of stdout and stderr that were not kept. */
  readonly cutBytes: number
}

/** How long a program gets to end by itself after SIGTERM. */
const graceMs = 5_000
/** How long to wait for its output after its end: a process that it has started may hold the pipes open for ever. */
const drainMs = 500

/**
 * Runs a program in a process group of its own and waits for its end. A failing exit code is an outcome, not an error.
 *
 * @throws AgentError `FILE_NOT_FOUND`, `FILE_ACCESS` when it cannot be started; `ABORTED` when the signal fired before
 */
export async function runProgram(request: ProgramRequest): Promise<ProgramOutcome> {
  throwIfAborted(request.signal)
  await checkFolder(request)
  return await outcomeOf(await start(request), request)
}

async function checkFolder({ file, folder }: ProgramRequest): Promise<void> {
  if (folder === undefined || (await fileFacts(folder))?.kind === 'folder') return
  throw new AgentError('FILE_NOT_FOUND', `Cannot run ${file} in ${folder}: that folder does not exist.`, {
    remedy: 'Make it, or name another folder.',
  })
}

/** Collects the output of a program until its end, and ends it when its time is over. */
function outcomeOf(child: ChildProcess, request: ProgramRequest): Promise<ProgramOutcome> {
  const stdout = new OutputTail(request.maxOutputBytes)
  const stderr = new OutputTail(request.maxOutputBytes)
  return new Promise<ProgramOutcome>(resolve => {
    child.stdout?.on('data', (part: Buffer) => stdout.add(part))
    child.stderr?.on('data', (part: Buffer) => stderr.add(part))
    let ended: ProgramOutcome['ended'] = 'exit'
    let timer: Timer
    const stop = (why: 'timeout' | 'aborted') => {
      if (ended !== 'exit') return
      ended = why
      killGroup(child, 'SIGTERM')
      timer.cancel()
      timer = request.clock.timer(graceMs, () => killGroup(child, 'SIGKILL'))
    }
    const onAbort = () => stop('aborted')
    timer = request.clock.timer(request.timeoutMs, () => stop('timeout'))
    request.signal?.addEventListener('abort', onAbort, { once: true })
    child.once('exit', (exitCode, signal) => {
      timer.cancel()
      request.signal?.removeEventListener('abort', onAbort)
      // Its group ends with it only after a timeout or an abort: a script may well start a service.
      if (ended !== 'exit') killGroup(child, 'SIGKILL')
      timer = request.clock.timer(drainMs, () => {
        child.stdout?.destroy()
        child.stderr?.destroy()
      })
      child.once('close', () => {
        timer.cancel()
        resolve({
          ended,
          ...(exitCode === null ? {} : { exitCode }),
          ...(signal === null ? {} : { signal }),
          stdout: stdout.text(),
          stderr: stderr.text(),
          cutBytes: stdout.cutBytes + stderr.cutBytes,
        })
      })
    })
    // The signal may have fired while the program was being started.
    if (request.signal?.aborted) onAbort()
  })
}

function start(request: ProgramRequest): Promise<ChildProcess> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => reject(fileFailure('run', request.file, error))
    try {
      const child = spawn(request.file, [...(request.args ?? [])], {
        cwd: request.folder,
        env: { ...baseEnvironment(request.environment), ...request.variables },
        stdio: ['ignore', 'pipe', 'pipe'],
        // A group of its own (setsid), so that all of it can be ended.
        detached: true,
        shell: false,
      })
      child.once('error', fail)
      child.once('spawn', () => resolve(child))
    } catch (error) {
      // For example, arguments with a NUL character.
      fail(error)
    }
  })
}

const keptVariables = ['PATH', 'HOME', 'LANG', 'TZ']

function baseEnvironment(kind: ProgramRequest['environment']): Record<string, string | undefined> {
  const own = processEnvironment()
  if (kind !== 'clean') return { ...own }
  return Object.fromEntries(keptVariables.filter(name => own[name] !== undefined).map(name => [name, own[name]]))
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch (error) {
    // ESRCH: all of the group have ended.
    if (errnoOf(error) !== 'ESRCH') child.kill(signal)
  }
}
