// SPDX-License-Identifier: Apache-2.0
/** A disk that fails under the outbox and the journal of actions at each single write, and a power cut behind it. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { openCalls } from '../helpers/acks.ts'
import { bundledProgram } from '../helpers/bundled-program.ts'
import { DiskBoundDevice, type Lived } from '../helpers/disk-bound-device.ts'
import { straceMissing } from '../helpers/disk-writes.ts'
import { eventually } from '../helpers/eventually.ts'
import { type LocalCloud, startCloud } from '../helpers/local-cloud.ts'
import type { DiskFault } from '../helpers/traced-disk.ts'

/** In the long form every write is hit with each fault, in the short one some of them. */
const shortFaults = process.env.DEVICE_CLOUD_LONG === '1' ? Number.POSITIVE_INFINITY : 48
const samples = 6
const calls = 2

interface Scene {
  readonly cloud: LocalCloud
  readonly script: string
}

/** A device of a test, and what the cloud has of it. */
class Patient {
  readonly device: DiskBoundDevice
  readonly #cloud: LocalCloud
  readonly #ids: string[] = []

  constructor(t: TestContext, { cloud, script }: Scene) {
    this.#cloud = cloud
    this.device = new DiskBoundDevice(t, { cloud, script })
  }

  /** A life with samples and calls that lasts until all of them are seen to, or without a link until the samples are taken. */
  async work(key: string, isOnline: boolean, fault?: DiskFault) {
    const until = async (lived: Lived) => {
      if (isOnline) await this.#call(lived)
      await told(lived, 'all samples are taken charge of', () => lived.isPublished)
      if (isOnline) await told(lived, 'samples and answers have arrived', () => this.#hasArrived(key))
      // A fault that passes is over by itself; what waits in memory is on the disk then.
      if (fault?.when.endsWith('+') !== true) await told(lived, 'the disk is written again', () => !lived.isInTrouble)
    }
    return await this.device.live({ key, samples, isOnline }, until, fault)
  }

  /** What arrived under a name, each value once, in the order in which it came first. */
  async values(key: string): Promise<readonly unknown[]> {
    const { thingKey } = this.device
    const { values } = await this.#cloud.ask('cloud.samples', { thingKey, key, values: true })
    return [...new Set(values as unknown[])]
  }

  /**
   * Everything that was asked for has one effect and an answer, and all samples are there in order. A device that has said that
   * its journal is not written, and lost its power then, may carry out again what the journal had only taken charge of.
   */
  async assertWell(keys: readonly string[], mayRepeat: boolean): Promise<void> {
    for (const key of keys) assert.deepEqual(await this.values(key), [...Array(samples).keys()], key)
    const { thingKey } = this.device
    const answers = await this.#cloud.transcript({ thingKey, direction: 'in', command: 'mailbox.ack', limit: 10_000 })
    for (const id of this.#ids) {
      const effects = this.device.effects.filter(one => one === id).length
      assert.ok(effects === 1 || (mayRepeat && effects === 2), `${id} has ${effects} effects`)
      assert.ok(
        answers.some(({ payload }) => JSON.stringify(payload).includes(id)),
        `${id} is answered`,
      )
    }
    assert.equal(await openCalls(this.#cloud, thingKey), 0)
  }

  async #call(lived: Lived): Promise<void> {
    const { thingKey } = this.device
    await told(lived, 'it is connected', async () => lived.told.includes('connected'))
    for (let call = 0; call < calls; call++) {
      const { id } = await this.#cloud.ask('method.exec', { thingKey, method: 'mark', ackTimeout: 0, ttl: -1 })
      this.#ids.push(id)
    }
  }

  async #hasArrived(key: string): Promise<boolean> {
    return (await this.values(key)).length === samples && (await openCalls(this.#cloud, this.device.thingKey)) === 0
  }
}

/** Waits, and says what the device said when it waited in vain. */
async function told(lived: Lived, what: string, probe: () => boolean | Promise<boolean>): Promise<void> {
  await eventually(what, probe).catch(error => {
    throw new Error(`${error.message}; the device said: ${lived.told.join('; ')}`)
  })
}

/** Each system call of a life that changes the disk, by its name and its number among those of its name. */
async function writesOf(t: TestContext, scene: Scene, isOnline: boolean): Promise<readonly [string, number][]> {
  const { trace } = await new Patient(t, scene).work('a', isOnline)
  const counts = new Map<string, number>()
  return trace.names.map(name => {
    const count = (counts.get(name) ?? 0) + 1
    counts.set(name, count)
    return [name, count]
  })
}

/** Some of them, spread over all. */
function spread<T>(all: readonly T[], most: number): readonly T[] {
  if (all.length <= most) return all
  return Array.from({ length: most }, (_, at) => all[Math.floor((at * all.length) / most)] as T)
}

test('a disk that fails at any write', { skip: straceMissing() }, async t => {
  const scene = { cloud: await startCloud(t), script: await bundledProgram(t, 'chaos/programs/disk-bound.ts') }

  for (const isOnline of [false, true]) {
    const writes = await writesOf(t, scene, isOnline)
    for (const [error, lasts] of [
      ['EIO', false],
      ['ENOSPC', true],
    ] as const) {
      const link = isOnline ? 'online' : 'without a link'
      await t.test(
        `${error} ${lasts ? 'from then on' : 'once'}, ${link}: nothing is lost, nothing runs twice`,
        async t => {
          let hits = 0
          const hit = spread(writes, shortFaults / 4)
          for (const [calls, at] of hit) {
            const patient = new Patient(t, scene)
            const fault = { calls, what: `error=${error}`, when: `${at}${lasts ? '+' : ''}` }
            const first = await patient.work('a', isOnline, fault)
            if (first.trace.faults.length > 0) hits++
            const place = `${fault.calls} ${fault.when}: ${first.trace.faults.join(', ')}; ${first.told.join('; ')}`
            await patient.work('b', true)
            // What was only in memory is gone with the power when the disk took nothing to the end.
            const isGone = !isOnline && first.isInTrouble
            await patient.assertWell(isGone ? ['b'] : ['a', 'b'], first.isInTrouble).catch(error => {
              throw new Error(`${place}: ${error.message}`)
            })
          }
          t.diagnostic(`${hits} faults`)
          // How many writes a life does depends a little on what the cloud says at once and what one after the other.
          assert.ok(hits > hit.length / 2, `${hits} of ${hit.length} faults`)
        },
      )
    }
  }
})
