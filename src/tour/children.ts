// SPDX-License-Identifier: Apache-2.0
/** Starts and stops the two processes of the tour. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'

const root = resolve(import.meta.dirname, '../..')

export interface Child {
  readonly process: ChildProcess
  /** Resolves to the signal or the exit code. */
  readonly ended: Promise<string>
  /** Sends SIGTERM, and SIGKILL when the process has not ended within {@link graceMs}. */
  stop(): Promise<void>
}

const graceMs = 10_000

/** Runs a TypeScript program of this checkout; `onLine` gets the lines of its stdout, `onNote` those of its stderr. */
export function startProgram(
  file: string,
  args: readonly string[],
  onLine: (line: string) => void,
  onNote: (line: string) => void,
): Child {
  // The tour shows the password of its cloud, which therefore must not be one that the user has for another cloud.
  const { DEVICE_CLOUD_OPERATOR_PASSWORD: _, ...env } = process.env
  // A process group of its own: Ctrl-C reaches the tour alone, which then stops its children in order.
  const child = spawn(process.execPath, ['--import', 'tsx', resolve(root, file), ...args], {
    cwd: root,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  createInterface({ input: child.stdout }).on('line', onLine)
  createInterface({ input: child.stderr }).on('line', onNote)
  const ended = new Promise<string>(settle => {
    child.once('error', error => settle(error.message))
    child.once('exit', (code, signal) => settle(signal ?? `exit code ${code}`))
  })
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGTERM')
    const killer = setTimeout(() => child.kill('SIGKILL'), graceMs)
    await ended
    clearTimeout(killer)
  }
  return { process: child, ended, stop }
}

/** `wanted` when that port is free, else 0, which means any free port. */
export function freePort(wanted: number): Promise<number> {
  return new Promise(settle => {
    const probe = createServer()
    probe.once('error', () => settle(0))
    probe.listen(wanted, '127.0.0.1', () => probe.close(() => settle(wanted)))
  })
}
