// SPDX-License-Identifier: Apache-2.0
import { realpathSync } from 'node:fs'
import { basename, relative } from 'node:path'

/** The single-file executable that a process runs; undefined when Node runs a script, or code of its command line. */
export function executableOf({
  argv,
  argv0,
  execPath,
  execArgv,
}: Pick<NodeJS.Process, 'argv' | 'argv0' | 'execPath' | 'execArgv'>): string | undefined {
  // Code of the command line has its first argument there, which may be any word.
  if (execArgv.some(option => codeOption.test(option))) return undefined
  // Node puts the absolute path of the script there. A single-file executable has none, and repeats the word by which it was called.
  return argv[1] === argv0 ? execPath : undefined
}

const codeOption = /^(?:-e|-p|-pe|--eval|--print)(?:=|$)/

/** Read at the start, because an application that this process runs gets a command line of its own later. */
const executable = executableOf(process)

/** The single-file executable that this process runs, with any name; undefined when Node runs it from a script. */
export function ownExecutable(): string | undefined {
  return executable
}

/** The script that Node was started with, taken down before `run` puts the application in its place. */
const startedScript = process.argv[1] ?? ''

/**
 * What a user types to start this program again, so that a remedy can be pasted: the name of the executable as it was typed, the
 * script of a checkout, or the package. An application that Node itself runs has the library from the package.
 */
export function invokedName(): string {
  if (ownExecutable() !== undefined) return process.argv0 === '' ? 'device-cloud' : process.argv0
  return scriptCommand(startedScript)
}

/** As {@link invokedName}, for a script that Node runs. */
export function scriptCommand(script: string): string {
  if (script.includes('/node_modules/')) return 'npx device-cloud'
  if (/^device-cloud(?:\.cjs)?$/.test(basename(script))) return 'device-cloud'
  if (script.endsWith('/src/main.ts')) return `npx tsx ${fromHere(script)}`
  return script.endsWith('/dist/cli.cjs') ? `node ${fromHere(script)}` : 'npx device-cloud'
}

function fromHere(path: string): string {
  try {
    return relative(process.cwd(), path)
  } catch {
    // The current folder was removed.
    return path
  }
}

/** The files that this process runs: its program, and its script where it is not one executable of its own. Absolute, links resolved. */
export function ownPrograms(): readonly string[] {
  const [, script] = process.argv
  const real = (path: string) => {
    try {
      return realpathSync(path)
    } catch {
      return path
    }
  }
  const { execPath } = process
  // A new executable on trial lies beside the one that it may replace.
  const slot = execPath.endsWith(candidateSuffix) ? [execPath.slice(0, -candidateSuffix.length)] : []
  const own = [execPath, ...slot, ...(ownExecutable() === undefined && script !== undefined ? [script] : [])]
  return [...new Set(own.flatMap(path => [path, real(path)]))]
}

/** What the name of a new executable ends with as long as it lies beside the old one. */
export const candidateSuffix = '.new'

const trialVariable = 'DEVICE_CLOUD_ON_TRIAL'

/**
 * The environment of a new executable that is started on trial; the process that starts it is its supervisor.
 *
 * @param version the version of the protocol between the two
 */
export function trialEnvironment(version: number): Readonly<Record<string, string>> {
  return { [trialVariable]: String(version), DEVICE_CLOUD_SUPERVISED: '1' }
}

/** The version by which this process was started on trial, as a new executable; undefined when it was not. */
export function trialVersion(): number | undefined {
  const text = process.env[trialVariable] ?? ''
  return /^[1-9]\d{0,8}$/.test(text) && ownExecutable()?.endsWith(candidateSuffix) === true ? Number(text) : undefined
}

/** Whether this process is a new executable that was started on trial. */
export function isOnTrial(): boolean {
  return trialVersion() !== undefined
}
