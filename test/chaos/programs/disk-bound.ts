// SPDX-License-Identifier: Apache-2.0
/**
 * `disk-bound LIFE`: one life of a device on a disk that a test breaks. LIFE is JSON, see {@link Life}. Publishes its samples,
 * connects when it is told to, carries out the action `mark` by leaving a line with the id of the call, and prints a line of JSON for
 * each thing that happens. Never ends by itself: it is there to be killed.
 */
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs'
import { Log } from '../../../src/base/log.ts'
import { formatTimestamp } from '../../../src/base/timestamp.ts'
import { openOnlineCloud } from '../../../src/client/open-online-cloud.ts'
import { Status } from '../../../src/protocol/status.ts'
import { hastyClock, hastySettings } from '../../helpers/hasty-device.ts'
import type { LocalCloud } from '../../helpers/local-cloud.ts'

export interface Life {
  readonly cloud: Pick<LocalCloud, 'host' | 'mqtt' | 'mqtts' | 'https' | 'ca' | 'token'>
  readonly thingKey: string
  readonly queueDir: string
  /** Gets a line with the id of each call that was carried out. */
  readonly effectFile: string
  /** The samples are 0, 1, 2, … under this name. */
  readonly key: string
  readonly samples: number
  readonly isOnline: boolean
}

const say = (what: object) => process.stdout.write(`${JSON.stringify(what)}\n`)
const { cloud, thingKey, queueDir, effectFile, key, samples, isOnline }: Life = JSON.parse(process.argv[2] ?? '{}')
say({ pid: process.pid })
// Offline nothing else would keep it alive.
process.stdin.resume()
const clock = hastyClock(20)
const log = Log.create({ clock, level: 'info', sink: ({ message }) => say({ told: message }) })
const effects = openSync(effectFile, 'a')
process.on('exit', () => closeSync(effects))

const device = await openOnlineCloud({
  facts: { thingKey, settings: hastySettings(cloud, { queueDir, durability: 'always' }) },
  configDir: queueDir,
  queueLock: 'wait',
  signal: new AbortController().signal,
  clock,
  log,
  execute: ({ id }, reply) => {
    void (async () => {
      await reply.started()
      writeSync(effects, `${id}\n`)
      fsyncSync(effects)
      await reply.finish({ status: Status.Success, params: { id } })
    })()
  },
  listener: { up() {}, down() {}, rejected() {}, failed() {} },
})
const publish = async (from: number, to: number) => {
  for (let value = from; value < to; value++) {
    await device.put('telemetry', { key, value, ts: formatTimestamp(clock.now()) })
  }
}
await publish(0, Math.ceil(samples / 2))
if (isOnline) await device.start()
await publish(Math.ceil(samples / 2), samples)
say({ published: true })
