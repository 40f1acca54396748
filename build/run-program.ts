// SPDX-License-Identifier: Apache-2.0
/** Runs a program for the build, and returns its output. */
import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { BuildError } from './build-error.ts'

export interface Ran {
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  readonly timeoutMs?: number
}

/** Resolves when `program` ends with 0 within `timeoutMs` (default 5 minutes). Throws a {@link BuildError} with the end of its output otherwise. */
export function runProgram(program: string, args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const { cwd, env = process.env, timeoutMs = 300_000 } = options
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    // The timeout of spawn() would keep this process running until it expires when the program does not exist.
    const timer = setTimeout(() => child.kill(), timeoutMs)
    let [stdout, stderr] = ['', '']
    child.stdout.setEncoding('utf8').on('data', text => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', text => {
      stderr += text
    })
    const line = [program, ...args].join(' ')
    child.on('error', error => {
      clearTimeout(timer)
      reject(new BuildError(`"${line}" cannot be started: ${error.message}`, { cause: error }))
    })
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      if (code === 0) return resolve({ stdout, stderr })
      const ending = signal === null ? `ended with ${code}` : `was ended by ${signal}`
      reject(new BuildError(`"${line}" ${ending}: ${(stderr || stdout).trim().slice(-2000)}`))
    })
  })
}

/** The path of `program` in PATH, or undefined. */
export function findProgram(program: string): string | undefined {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .filter(folder => folder !== '')
    .map(folder => join(folder, program))
    .find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
