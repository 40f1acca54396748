// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { againExitCode } from './exit-codes.ts'
import { wholeEnvironment } from './process-facts.ts'

/**
 * Starts this program anew, with the command line, environment and folder that it was started with, and ends this process.
 * Where Node can (22.15 and later), in the same process: the pid stays, so that an init script's pid file stays right.
 * Where it cannot, a supervisor that sets DEVICE_CLOUD_SUPERVISED is asked to: a new process would not be its child.
 * Everything must be closed before: exit handlers do not run.
 */
export function restartProcess(): never {
  const [, ...args] = commandLine()
  replaceProcess(process.execPath, [process.argv0, ...args])
  if (process.env.DEVICE_CLOUD_SUPERVISED === '1') process.exit(againExitCode)
  const child = spawn(process.execPath, args, { stdio: 'inherit', detached: true, argv0: process.argv0 })
  child.unref()
  process.exit(0)
}

/** Replaces the program of this process, where Node can (22.15 and later); returns where it cannot. */
export function replaceProcess(file: string, args: readonly string[]): void {
  const { execve } = process as { execve?: (file: string, args: readonly string[], env: NodeJS.ProcessEnv) => never }
  execve?.call(process, file, args, wholeEnvironment())
}

/** The arguments with which the kernel started this program, those of Node included; correct for a single-file executable, too. */
export function commandLine(): string[] {
  try {
    const args = readFileSync('/proc/self/cmdline', 'utf8').split('\0').slice(0, -1)
    if (args.length > 0) return args
  } catch {
    // Without /proc, Node's own values are the best.
  }
  return [process.argv0, ...process.execArgv, ...process.argv.slice(1)]
}
