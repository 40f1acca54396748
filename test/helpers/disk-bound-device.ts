// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import type { Life } from '../chaos/programs/disk-bound.ts'
import type { DiskTrace } from './disk-trace.ts'
import type { LocalCloud } from './local-cloud.ts'
import { tempDir } from './temp-dir.ts'
import { type DiskFault, tracedProgram } from './traced-disk.ts'

/** What a life of a device has said so far. */
export interface Lived {
  /** Whether it took charge of all of them. */
  readonly isPublished: boolean
  /** What it logged. */
  readonly told: readonly string[]
  /** Whether something that it should write waits for the disk. */
  readonly isInTrouble: boolean
}

/** Names of files that a store may have; strace can watch names only. */
const watchedNames = [
  ...['actions.journal', 'cursors', 'probe'].flatMap(name => [name, `${name}.new`, `${name}.damaged`]),
  ...['telemetry', 'event'].flatMap(lane =>
    Array.from({ length: 200 }, (_, at) => `${lane}-${String(at + 1).padStart(10, '0')}.seg`),
  ),
]

/** A device whose disk a test breaks under its feet, and whose power it cuts. Its lives are processes, one after the other. */
export class DiskBoundDevice {
  readonly thingKey = `disk-${randomUUID()}`
  readonly #t: TestContext
  readonly #script: string
  readonly #cloud: LocalCloud
  readonly #queueDir: string
  readonly #effectFile: string

  constructor(t: TestContext, parts: { readonly script: string; readonly cloud: LocalCloud }) {
    this.#t = t
    this.#script = parts.script
    this.#cloud = parts.cloud
    const dir = tempDir(t)
    this.#queueDir = join(dir, 'queue')
    this.#effectFile = join(dir, 'effects')
    mkdirSync(this.#queueDir)
    writeFileSync(this.#effectFile, '')
  }

  /** The ids of the calls that it carried out, in order, each as often as it did. */
  get effects(): readonly string[] {
    return readFileSync(this.#effectFile, 'utf8').split('\n').filter(Boolean)
  }

  /** One life, ended by a power cut when `until` resolves: what was not forced to the disk is gone then. */
  async live(
    life: Pick<Life, 'key' | 'samples' | 'isOnline'>,
    until: (lived: Lived) => Promise<unknown>,
    fault?: DiskFault,
  ): Promise<Lived & { readonly trace: DiskTrace }> {
    const { mqtt, mqtts, https, ca, token } = this.#cloud
    const { thingKey } = this
    const queueDir = this.#queueDir
    const cloud: Life['cloud'] = { host: this.#cloud.host, mqtt, mqtts, https, ca, token }
    const words: Life = { cloud, thingKey, queueDir, effectFile: this.#effectFile, ...life }
    const folder = join(queueDir, thingKey)
    const before = fileSizes(folder)
    const { child, trace } = tracedProgram(this.#t, {
      words: [this.#script, JSON.stringify(words)],
      paths: [folder, ...watchedNames.map(name => join(folder, name))],
      fault,
    })
    const lived = new LivedSoFar()
    let pid = 0
    let hasEnded = false
    const { stdout } = child
    assert.ok(stdout !== null)
    const ended = new Promise<void>(done => child.once('close', () => done()))
    child.once('exit', () => (hasEnded = true))
    const unexpected = ended.then(() => assert.fail(`the device ended by itself: ${lived.told.join('; ')}`))
    createInterface({ input: stdout }).on('line', line => {
      const said = JSON.parse(line)
      pid = said.pid ?? pid
      lived.hear(said)
    })
    const kill = () => {
      if (pid !== 0 && !hasEnded) process.kill(pid, 'SIGKILL')
    }
    this.#t.after(kill)
    try {
      await Promise.race([until(lived), unexpected])
    } finally {
      unexpected.catch(() => {})
      kill()
    }
    await ended
    const record = trace()
    record.cutPower(before)
    return Object.assign(lived, { trace: record })
  }
}

class LivedSoFar implements Lived {
  readonly told: string[] = []
  isPublished = false
  readonly #troubles = new Map<string, boolean>()

  get isInTrouble(): boolean {
    return [...this.#troubles.values()].includes(true)
  }

  hear({ published, told }: { published?: boolean; told?: string }): void {
    if (published) this.isPublished = true
    if (told === undefined) return
    this.told.push(told)
    const [, what = '', turn] = /^the (outbox|journal of actions) (cannot be|is) written/.exec(told) ?? []
    if (turn !== undefined) this.#troubles.set(what, turn === 'cannot be')
  }
}

function fileSizes(folder: string): ReadonlyMap<string, number> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const paths = readdirSync(folder).map(name => join(folder, name))
  return new Map(paths.map(path => [path, statSync(path).size]))
}
