// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process'
import type { TestContext } from 'node:test'
import type { Startable } from './executable.ts'

/** A built executable that runs for one test, through an emulator where it is for another processor. */
export class StartedExecutable {
  readonly child: ChildProcess
  /** Exit code and signal. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>
  readonly #listeners = new Set<() => void>()
  #said = ''

  constructor(startable: Startable, words: readonly string[], cwd: string) {
    const env = { PATH: '/usr/bin:/bin' }
    this.child = spawn(startable.program, [...startable.args, ...words], {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      env,
    })
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.on('data', (part: Buffer) => {
        this.#said += part
        for (const look of this.#listeners) look()
      })
    this.ended = new Promise((resolve, reject) => {
      this.child.once('error', reject)
      this.child.once('close', (code, signal) => resolve({ code, signal }))
    })
  }

  /** Everything on its stdout and stderr so far. */
  get said(): string {
    return this.#said
  }

  /** Waits until it has said something like `pattern`; fails when it ends first. */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    const { promise, resolve } = newWait()
    const look = () => {
      const match = pattern.exec(this.#said)
      if (match !== null) resolve(match)
    }
    this.#listeners.add(look)
    look()
    const end = this.ended.then(({ code, signal }) => {
      throw new Error(`it ended with ${signal ?? code} before it said ${pattern}: ${this.#said}`)
    })
    return await Promise.race([promise, end]).finally(() => this.#listeners.delete(look))
  }

  /** Tells it to stop as an init system does, and waits for its end. */
  async stop(): Promise<{ readonly code: number | null; readonly signal: string | null }> {
    this.child.kill('SIGTERM')
    return await this.ended
  }
}

function newWait(): { promise: Promise<RegExpExecArray>; resolve: (match: RegExpExecArray) => void } {
  let resolve: (match: RegExpExecArray) => void = () => {}
  const promise = new Promise<RegExpExecArray>(done => {
    resolve = done
  })
  return { promise, resolve }
}

/** Starts an executable in the folder `cwd`; it does not outlive the test. */
export function startExecutable(
  t: TestContext,
  startable: Startable,
  words: readonly string[],
  cwd: string,
): StartedExecutable {
  const started = new StartedExecutable(startable, words, cwd)
  t.after(async () => {
    started.child.kill('SIGKILL')
    await started.ended.catch(() => undefined)
  })
  return started
}
