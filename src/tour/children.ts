/** Starts the two processes of the tour, and ends them. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'

const root = resolve(import.meta.dirname, '../..')

export interface Child {
  readonly process: ChildProcess
  /** Resolves with how it ended. */
  readonly ended: Promise<string>
  /** Asks it to end, and makes it end when it does not within the grace. */
  stop(): Promise<void>
}

const graceMs = 10_000

/** Runs a TypeScript program of this checkout; `onLine` gets what it prints, `onNote` what it says on stderr. */
export function startProgram(
  file: string,
  args: readonly string[],
  onLine: (line: string) => void,
  onNote: (line: string) => void,
): Child {
  // The tour shows how to log in to its own cloud, and never a password that somebody keeps for another one.
  const { DEVICE_CLOUD_OPERATOR_PASSWORD: _, ...env } = process.env
  // A process group of its own: Ctrl-C of the terminal reaches the tour alone, which then ends the others in order.
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

/** `wanted` when nobody listens there, else 0: any free port. */
export function freePort(wanted: number): Promise<number> {
  return new Promise(settle => {
    const probe = createServer()
    probe.once('error', () => settle(0))
    probe.listen(wanted, '127.0.0.1', () => probe.close(() => settle(wanted)))
  })
}
