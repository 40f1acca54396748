// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import { drain, openStore } from './flash-scene.ts'
import type { LocalCloud } from './local-cloud.ts'
import { tempDir } from './temp-dir.ts'

export type Durability = 'spill' | 'always' | 'memory'

/** How an application ended, and what it said. */
export interface Ended {
  readonly code: number | null
  readonly signal: string | null
  readonly out: string
  readonly err: string
}

/**
 * A device with one application, whose process ends in the way that a test wants. `client` is connected or not, five samples are
 * published, and then comes what the test writes; a line "ready" on stdout asks for the signal.
 */
export class EndingApplication {
  readonly folder: string
  readonly #t: TestContext
  readonly #deviceId = `ends-${randomUUID().slice(0, 13)}`

  constructor(t: TestContext) {
    this.#t = t
    this.folder = realpathSync(tempDir(t))
    writeFileSync(join(this.folder, 'device_id'), this.#deviceId)
  }

  get thingKey(): string {
    return `${this.#deviceId}-app`
  }

  get queueFolder(): string {
    return join(this.folder, 'queue', this.thingKey)
  }

  write(name: string, text: string): string {
    writeFileSync(join(this.folder, name), text)
    return join(this.folder, name)
  }

  /** The source of an application that publishes five samples and then does `end`. */
  source(end: string, o: { durability?: Durability; cloud?: LocalCloud; before?: string } = {}): string {
    const { durability = 'spill', cloud, before = '' } = o
    // Below 1024, where no test ever listens.
    const place = cloud === undefined ? { port: 1 } : { port: cloud.mqtts }
    const settings = {
      quiet: true,
      cloud: { host: '127.0.0.1', transport: 'mqtts', token: cloud?.token ?? 'none', ...place },
      queue: { durability },
      ...(cloud === undefined ? {} : { ca_bundle_file: cloud.ca }),
    }
    return `
      import { Client } from 'device-cloud'
      const exitListeners = process.listenerCount('exit')
      const client = new Client('app', { configDir: ${JSON.stringify(this.folder)}, settings: ${JSON.stringify(settings)} })
      ${cloud === undefined ? 'client.connect().catch(() => {})' : 'await client.connect()'}
      ${before}
      const receipts = await Promise.all([0, 1, 2, 3, 4].map(n => client.telemetry.publish('n', n)))
      ${end}`
  }

  /** Runs a program in the folder of the application; the signal is sent when it says "ready". */
  run(program: string, words: readonly string[], signal?: NodeJS.Signals): Promise<Ended> {
    const child = spawn(program, words, {
      cwd: this.folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, NODE_NO_WARNINGS: '1' },
    })
    this.#t.after(() => child.kill('SIGKILL'))
    const said = { out: '', err: '' }
    createInterface({ input: child.stdout }).on('line', line => {
      said.out += `${line}\n`
      if (line === 'ready' && signal !== undefined) child.kill(signal)
    })
    child.stderr.on('data', part => {
      said.err += part
    })
    return new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, signal) => resolve({ code, signal, ...said }))
    })
  }

  /** The samples on flash that the next process would send. */
  async left(): Promise<number[]> {
    if (!existsSync(this.queueFolder)) return []
    const opened = await openStore(this.#t, this.queueFolder, 'spill')
    const texts = await drain(opened)
    if (opened.lost.length > 0 || opened.log() !== '') throw new Error(`the store is damaged: ${opened.log()}`)
    await opened.store.close()
    return texts.map(text => JSON.parse(text).value)
  }
}
