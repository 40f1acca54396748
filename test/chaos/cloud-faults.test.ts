import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AgentError } from '../../src/base/errors.ts'
import { formatTimestamp } from '../../src/base/timestamp.ts'
import type { Receipt } from '../../src/outbox/outbox.ts'
import { diagPing } from '../../src/protocol/commands.ts'
import { eventually } from '../helpers/eventually.ts'
import { type HastyDevice, hastyDevice } from '../helpers/hasty-device.ts'
import { type LocalCloud, startCloud } from '../helpers/local-cloud.ts'

/** One way in which a cloud misbehaves while a device publishes. */
interface Scene {
  readonly name: string
  /** Faults before the device connects. */
  readonly before?: Faults
  /** Faults once it is connected. */
  readonly faults?: Faults
  /** Whether the cloud may get a sample twice: it had it, and did not say so. */
  readonly repeats?: boolean
  readonly transport?: 'mqtt' | 'mqtts' | 'wss'
  /** What the log must tell. */
  readonly says?: RegExp
}
type Faults = Readonly<Record<string, object>>

const batches = { command: 'property.*' }
const scenes: readonly Scene[] = [
  { name: 'refuses the login', before: { refuseLogin: { times: 2 } }, says: /LOGIN_REFUSED/ },
  { name: 'is overloaded at the login', before: { refuseLogin: { times: 2, code: 3 } } },
  { name: 'never answers the login', before: { noConnack: { times: 2 } }, says: /TIMEOUT/ },
  { name: 'accepts, then closes', before: { kickAfterConnack: { times: 3 } }, says: /second device/ },
  { name: 'accepts, then closes after a moment', faults: { closeConnections: {} } },
  { name: 'resets the connection', faults: { closeConnections: { reset: true } } },
  { name: 'refuses the WebSocket', transport: 'wss', before: { refuseWebSocket: { times: 2, status: 503 } } },
  { name: 'has its port closed', transport: 'mqtts', before: { stopListening: { transport: 'mqtts', forMs: 1500 } } },
  { name: 'goes silent without closing', faults: { halfOpen: {} }, says: /does not answer|no answer/ },
  { name: 'swallows requests after PUBACK', faults: { swallowRequest: { times: 2, ...batches } } },
  { name: 'acts but never replies', faults: { dropReply: { times: 2, ...batches } }, repeats: true },
  { name: 'replies late', faults: { delayReply: { times: 3, ms: 1000, ...batches } } },
  {
    name: 'replies when nobody waits any more',
    faults: { delayReply: { times: 1, ms: 4000, ...batches } },
    repeats: true,
  },
  { name: 'replies twice', faults: { duplicateReply: { copies: 3 } } },
  { name: 'replies out of order', faults: { reorderReplies: { window: 3 } } },
  { name: 'replies with text that is not JSON', faults: { garbageReply: { times: 3, ...batches } }, repeats: true },
  { name: 'replies with bytes', faults: { binaryReply: { times: 3, ...batches } }, repeats: true },
  { name: 'replies with 10 MB', faults: { oversizedReply: { times: 2, ...batches } }, repeats: true },
  { name: 'replies with nothing inside', faults: { emptyReply: { times: 3, ...batches } }, repeats: true },
  { name: 'takes small batches only', faults: { batchLimit: { items: 10 } } },
  { name: 'asks to slow down', faults: { rateLimit: { perSecond: 5 } } },
  { name: 'never acknowledges by PUBACK', faults: { noPuback: { times: 3 } } },
  { name: 'acknowledges late', faults: { delayPuback: { ms: 800, times: 4 } } },
]

const count = 300

/** Switches faults on for one thing; answers what switches them off. */
async function arm(cloud: LocalCloud, thingKey: string, faults: Faults = {}): Promise<string[]> {
  const ids: string[] = []
  for (const [name, params] of Object.entries(faults)) ids.push(await cloud.fault(name, { thingKey, ...params }))
  return ids
}

/** Publishes numbers in bursts, and one thing of each other kind. */
async function publish({ device, clock }: HastyDevice): Promise<Receipt[]> {
  const receipts: Receipt[] = []
  const ts = () => formatTimestamp(clock.now())
  receipts.push(await device.put('alarm', { key: 'alarm', state: 1, ts: ts() }))
  receipts.push(await device.put('attribute', { key: 'attribute', value: 'text', ts: ts() }))
  receipts.push(await device.put('event', { msg: 'event', ts: ts() }))
  for (let value = 0; value < count; value++) {
    receipts.push(await device.put('telemetry', { key: 'n', value, ts: ts() }))
    if (value % 30 === 29) await new Promise(resolve => setTimeout(resolve, 20))
  }
  return receipts
}

/** Holds the cloud to what it has of a device. */
async function assertArrived(cloud: LocalCloud, thingKey: string, repeats: boolean): Promise<void> {
  const { values }: { values: number[] } = await cloud.ask('cloud.samples', { thingKey, key: 'n', values: true })
  assert.deepEqual(
    [...new Set(values)].sort((a, b) => a - b),
    Array.from({ length: count }, (_, value) => value),
  )
  const { properties } = await cloud.ask('cloud.samples', { thingKey })
  if (!repeats) assert.equal(properties.n, count, 'sent again although the cloud had it')
}

test('a cloud that misbehaves loses nothing', { concurrency: scenes.length + 2 }, async t => {
  const cloud = await startCloud(t)
  const all = scenes.map(({ name, before, faults, repeats = false, transport = 'mqtt', says }) =>
    t.test(`it ${name}`, async t => {
      const it = await hastyDevice(t, cloud, { transport })
      await arm(cloud, it.thingKey, before)
      await it.device.start()
      if (before === undefined) await it.device.untilUp({})
      const armed = await arm(cloud, it.thingKey, faults)
      const receipts = await publish(it)
      await Promise.all(receipts.map(receipt => receipt.delivered()))
      await assertArrived(cloud, it.thingKey, repeats)
      // Not all of them are over by themselves.
      for (const id of armed) await cloud.clearFaults({ id }).catch(() => {})
      await it.device.ask(diagPing)
      assert.equal(it.device.status()?.outbox.waiting, 0)
      if (says !== undefined) assert.match(it.log(), says)
    }),
  )
  all.push(
    t.test('it refuses one item of a batch: its neighbours arrive, and who published it is told', async t => {
      const it = await hastyDevice(t, cloud)
      await it.device.start()
      await it.device.untilUp({})
      await cloud.fault('refuseCommand', { thingKey: it.thingKey, key: 'bad', errorCodes: [-90103] })
      const keys = ['good', 'bad', 'late']
      const receipts = await Promise.all(
        keys.map(key => it.device.put('telemetry', { key, value: 1, ts: formatTimestamp(it.clock.now()) })),
      )
      const outcomes = await Promise.allSettled(receipts.map(receipt => receipt.delivered()))
      assert.deepEqual(
        outcomes.map(({ status }) => status),
        ['fulfilled', 'rejected', 'fulfilled'],
      )
      const { properties } = await cloud.ask('cloud.samples', { thingKey: it.thingKey })
      // What stood before the bad one may have been taken with the batch already.
      assert.deepEqual(Object.keys(properties).sort(), ['good', 'late'])
      const [told] = it.failures
      assert.ok(told instanceof AgentError && told.code === 'REFUSED_BY_CLOUD')
    }),
    t.test('it ends one session after the other, as for a twin: an event says so when one lasts', async t => {
      const it = await hastyDevice(t, cloud)
      await arm(cloud, it.thingKey, { kickAfterConnack: { times: 3 } })
      await it.device.start()
      const { thingKey } = it
      const heard = await cloud.heard({ thingKey, command: 'log.publish', contains: 'agent_twin' })
      assert.equal(JSON.stringify(heard.payload).match(/agent_twin/g)?.length, 1)
    }),
  )
  await Promise.all(all)
})

test('a cloud that goes silent while nothing is published is found within one and a half keep-alives', async t => {
  // Of its own: an end of this fault would end it for all.
  const cloud = await startCloud(t)
  const it = await hastyDevice(t, cloud)
  await it.device.start()
  await it.device.untilUp({})
  const upMs = it.clock.monotonicMs()
  await cloud.fault('halfOpen', { thingKey: it.thingKey })
  await eventually('the link is found dead', () => !it.device.isUp, 30_000)
  const silentS = (it.clock.monotonicMs() - upMs) / 1000
  assert.match(it.failures[0]?.message ?? '', /no answer to MQTT pings for 90 s/)
  t.diagnostic(`found after ${silentS.toFixed(0)} s of a keep-alive of 60 s`)
  await it.device.untilUp({})
})
