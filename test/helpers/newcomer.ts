// SPDX-License-Identifier: Apache-2.0
/** A newcomer who pastes the blocks of a page into terminals, beside a real local cloud, in a folder that looks like a checkout. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { root } from '../../build/places.ts'
import { readOptions } from '../../src/cloud/options.ts'
import { type LocalCloud, startCloud } from './local-cloud.ts'
import type { PageBlock } from './page-blocks.ts'
import { tempDir } from './temp-dir.ts'

/** Long enough for a busy machine; a block that waits for nothing ends by itself. */
const limitMs = 120_000

export interface Newcomer {
  /** The folder that looks like a checkout. */
  readonly folder: string
  readonly cloud: LocalCloud
  /** A new terminal in that folder. */
  terminal(): Terminal
  /** A text of a page as it is for the ports of this cloud: two clouds cannot have the same. */
  here(text: string): string
}

export interface Terminal {
  /** Types the block, waits until it has ended, and holds what it printed to `lines`, in this order. */
  pasteAll(content: string, lines: readonly string[]): Promise<void>
  /** Types the block, and waits until it has printed all of `lines`, in this order; it may go on then. */
  pasteUntil(content: string, lines: readonly string[]): Promise<string>
  /** Waits until what runs in it has printed all of `lines`, in this order, from the beginning of `meanwhile` on. */
  sees(lines: readonly string[], meanwhile: () => Promise<unknown>): Promise<void>
}

/** Starts the cloud that `npm run cloud` would start, on ports of its own. All of it ends with the test. */
export async function startNewcomer(t: TestContext): Promise<Newcomer> {
  const usual = readOptions([], {})
  assert.ok(usual !== 'help')
  assert.deepEqual([usual.mqtts, usual.https, usual.token], [8883, 8443, 'demo'], 'what the pages say')
  assert.equal(usual.dataDir, join(root, '.device-cloud-local'))
  const folder = tempDir(t)
  for (const name of ['src', 'share', 'node_modules', 'package.json']) symlinkSync(join(root, name), join(folder, name))
  const cloud = await startCloud(t, { dir: join(folder, '.device-cloud-local') })
  const here = (text: string) =>
    text
      .replaceAll('-p 8883', `-p ${cloud.mqtts} --transport mqtts`)
      .replaceAll(':8883', `:${cloud.mqtts}`)
      .replaceAll('8443', String(cloud.https))
  return { folder, cloud, here, terminal: () => new Shell(t, folder) }
}

class Shell implements Terminal {
  readonly #child: ChildProcess
  #printed = ''
  #marks = 0
  readonly #waiting = new Set<() => void>()

  constructor(t: TestContext, folder: string) {
    const own = Object.entries(process.env).filter(([name]) => !/^(?:DEVICE_CLOUD|NODE_OPTIONS)/.test(name))
    // A process group of its own, so that what the shell has started ends with it.
    this.#child = spawn('bash', ['--norc'], {
      cwd: folder,
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {
        ...Object.fromEntries(own),
        NO_COLOR: '1',
        npm_config_offline: 'true',
        npm_config_update_notifier: 'false',
      },
    })
    t.after(() => this.#end())
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (part: Buffer) => {
        this.#printed += part
        for (const wake of this.#waiting) wake()
      })
  }

  async pasteAll(content: string, lines: readonly string[]): Promise<void> {
    const mark = `end of block ${++this.#marks}`
    const from = this.#type(`${content}\necho "${mark}"\n`)
    await this.#until(
      () => this.#printed.includes(mark, from),
      () => `it never ended: ${this.#printed.slice(from)}`,
    )
    const printed = this.#printed.slice(from)
    assert.equal(firstMissing(lines, printed), undefined, printed)
  }

  async pasteUntil(content: string, lines: readonly string[]): Promise<string> {
    const from = this.#type(content)
    await this.#shown(lines, from)
    return this.#printed.slice(from)
  }

  async sees(lines: readonly string[], meanwhile: () => Promise<unknown>): Promise<void> {
    const from = this.#printed.length
    await meanwhile()
    await this.#shown(lines, from)
  }

  #shown(lines: readonly string[], from: number): Promise<void> {
    const missing = () => firstMissing(lines, this.#printed.slice(from))
    return this.#until(
      () => missing() === undefined,
      () => `"${missing()}" was never printed: ${this.#printed.slice(from)}`,
    )
  }

  #type(text: string): number {
    const from = this.#printed.length
    this.#child.stdin?.write(text)
    return from
  }

  #until(isDone: () => boolean, complaint: () => string): Promise<void> {
    return new Promise((settle, fail) => {
      const look = () => {
        if (!isDone()) return
        clearTimeout(timer)
        this.#waiting.delete(look)
        settle()
      }
      const timer = setTimeout(() => {
        this.#waiting.delete(look)
        fail(new Error(complaint()))
      }, limitMs)
      this.#waiting.add(look)
      look()
    })
  }

  async #end(): Promise<void> {
    const { pid, exitCode } = this.#child
    if (pid === undefined || exitCode !== null) return
    const ended = new Promise<void>(settle => this.#child.once('close', () => settle()))
    try {
      process.kill(-pid, 'SIGKILL')
    } catch {
      // It is gone already.
    }
    await ended
  }
}

/** The first of `lines` that `printed` does not have behind the ones before it; `…` in a line stands for anything. */
export function firstMissing(lines: readonly string[], printed: string): string | undefined {
  let at = 0
  for (const line of lines) {
    const pattern = line
      .split('…')
      .map(part => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*')
    const found = new RegExp(pattern).exec(printed.slice(at))
    if (found === null) return line
    at += found.index + found[0].length
  }
  return undefined
}

/** The blocks to type, each with the lines that the page shows behind it. */
export function stepsOf(
  blocks: readonly PageBlock[],
): { readonly content: string; readonly shown: readonly string[] }[] {
  const steps: { content: string; shown: string[] }[] = []
  for (const { language, content } of blocks) {
    if (language === 'sh') steps.push({ content, shown: [] })
    else if (language === 'text') steps.at(-1)?.shown.push(...content.split('\n').filter(line => line !== ''))
  }
  return steps
}
