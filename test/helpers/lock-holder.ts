// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import { pathToFileURL } from 'node:url'
import { fromSource } from './from-source.ts'

const source = (name: string) => JSON.stringify(join(import.meta.dirname, '../../src/platform/process', name))

/** To be imported by a program that is to meet what FAT does. */
export const asOnFat = pathToFileURL(join(import.meta.dirname, 'on-fat.ts')).href

/** Another process that takes locks; it ends with the test. */
export interface LockHolder {
  readonly child: ChildProcess
  /** The next line that it says. */
  next(): Promise<string>
}

/**
 * Starts a program that has `takeProcessLock` at hand.
 *
 * @param o.before what it is started by, such as \`unshare\`
 * @param o.imports modules that change its world before
 */
export function lockProgram(
  t: TestContext,
  script: string,
  o: { readonly before?: readonly string[]; readonly imports?: readonly string[] } = {},
): LockHolder {
  const { before = [], imports = [] } = o
  const program = `const { takeProcessLock } = await import(${source('process-lock.ts')})
    const { giveLifeSign } = await import(${source('life-sign.ts')})
    ${script}`
  const imported = [...fromSource, ...imports.flatMap(one => ['--import', one])]
  const [file = process.execPath, ...words] = [
    ...before,
    process.execPath,
    ...imported,
    '--input-type=module',
    '-e',
    program,
  ]
  const child = spawn(file, words, { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, NODE_OPTIONS: '' } })
  t.after(() => child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    child,
    next: async () => {
      const { value } = await lines.next()
      if (value === undefined) throw new Error('it ended before it said a word')
      return value
    },
  }
}

/** A program that takes the lock `path`, says so and stays. */
export async function lockHolder(
  t: TestContext,
  path: string,
  o: { readonly before?: readonly string[]; readonly imports?: readonly string[] } = {},
): Promise<LockHolder> {
  const script = `await takeProcessLock(${JSON.stringify(path)})
    console.log('has it')
    setInterval(() => {}, 1e6)`
  const holder = lockProgram(t, script, o)
  await holder.next()
  return holder
}

/** Ends a program at once, and what it has started with it. */
export async function killed({ child }: LockHolder): Promise<void> {
  const gone = new Promise(resolve => child.once('close', resolve))
  child.kill('SIGKILL')
  await gone
}

const container = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child']
const ownContainer = ['unshare', '--user', '--map-root-user', ...container.slice(1)]

/** The words before a command that gives it processes of its own, as a container does; undefined where the system does not allow that. */
export function asInContainer(): readonly string[] | undefined {
  return [container, ownContainer].find(([file = '', ...words]) => spawnSync(file, [...words, 'true']).status === 0)
}

/** Where the life sign of a holder lies, by what its lock says. */
export function signPlace(path: string, text: string): string {
  return `${path}.${createHash('sha256').update(text).digest('hex').slice(0, 12)}.alive`
}
