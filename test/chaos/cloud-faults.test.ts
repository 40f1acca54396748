// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AgentError } from '../../src/base/errors.ts'
import type { JsonObject } from '../../src/base/json.ts'
import { formatTimestamp } from '../../src/base/timestamp.ts'
import type { Lane } from '../../src/outbox/lanes.ts'
import type { Receipt } from '../../src/outbox/outbox.ts'
import { diagPing } from '../../src/protocol/commands.ts'
import type { ExecuteMail } from '../../src/services/mailbox/mail-intake.ts'
import { eventually, patienceMs } from '../helpers/eventually.ts'
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
  /** How many requests go unanswered by the fault itself; more are those of a busy machine, and then the cloud may get a sample twice. */
  readonly timeouts?: number
  /** How much faster than the real ones its waits pass; default: ten times. */
  readonly times?: number
  /** What the log must tell. */
  readonly says?: RegExp
}
type Faults = Readonly<Record<string, object>>

const batches = { command: 'property.*' }
const scenes: readonly Scene[] = [
  // A refusal that takes longer than the timeout of the login is none.
  { name: 'refuses the login', before: { refuseLogin: { times: 2 } }, times: 4, says: /LOGIN_REFUSED/ },
  { name: 'is overloaded at the login', before: { refuseLogin: { times: 2, code: 3 } } },
  { name: 'never answers the login', before: { noConnack: { times: 2 } }, says: /TIMEOUT/ },
  // Ten seconds make a kick: on a busy machine a good part of them passes between the CONNACK and the close.
  { name: 'accepts, then closes', before: { kickAfterConnack: { times: 3 } }, times: 1, says: /soon after the login/ },
  { name: 'accepts, then closes after a moment', faults: { closeConnections: {} } },
  { name: 'resets the connection', faults: { closeConnections: { reset: true } } },
  { name: 'refuses the WebSocket', transport: 'wss', before: { refuseWebSocket: { times: 2, status: 503 } } },
  { name: 'has its port closed', transport: 'mqtts', before: { stopListening: { transport: 'mqtts', forMs: 1500 } } },
  { name: 'goes silent without closing', faults: { halfOpen: {} }, timeouts: 4, says: /does not answer|no answer/ },
  { name: 'swallows requests after PUBACK', faults: { swallowRequest: { times: 2, ...batches } }, timeouts: 2 },
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

/** The cloud answers in the end: a session that comes up may still be ended by what a scene has left of a fault. */
async function pingAtLast({ device }: HastyDevice): Promise<void> {
  await eventually('the cloud answers a ping', () =>
    device.ask(diagPing).then(
      () => true,
      () => false,
    ),
  )
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
  const all = scenes.map(
    ({ name, before, faults, repeats = false, transport = 'mqtt', timeouts = 0, times = 10, says }) =>
      t.test(`it ${name}`, async t => {
        const it = await hastyDevice(t, cloud, { transport, times })
        await arm(cloud, it.thingKey, before)
        await it.device.start()
        if (before === undefined) await it.device.untilUp({})
        const armed = await arm(cloud, it.thingKey, faults)
        const receipts = await publish(it)
        await Promise.all(receipts.map(receipt => receipt.delivered()))
        const { timedOut = 0 } = it.device.status()?.requests ?? {}
        await assertArrived(cloud, it.thingKey, repeats || timedOut > timeouts)
        // Not all of them are over by themselves.
        for (const id of armed) await cloud.clearFaults({ id }).catch(() => {})
        await pingAtLast(it)
        assert.equal(it.device.status()?.outbox.waiting, 0)
        // A session may have delivered everything before the fault had shown itself often enough to be told.
        if (says !== undefined) await eventually(`the log tells ${says}`, () => says.test(it.log()))
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
      assert.ok(it.failures.some(({ code }) => code === 'REFUSED_BY_CLOUD'))
    }),
    t.test('it ends one session after the other, as for a twin: an event says so when one lasts', async t => {
      const it = await hastyDevice(t, cloud, { times: 1 })
      await arm(cloud, it.thingKey, { kickAfterConnack: { times: 3 } })
      await it.device.start()
      const filter = { thingKey: it.thingKey, command: 'log.publish', contains: 'agent_twin' }
      const heard = await cloud.heard(filter, () => true, { timeoutMs: 2 * patienceMs })
      assert.equal(JSON.stringify(heard.payload).match(/agent_twin/g)?.length, 1)
    }),
  )
  await Promise.all(all)
})

const long = 'x'.repeat(30_000)
/** For each lane an item that is over the limit of a broker of 20,000 bytes, and smaller than any limit of ours. */
const poison: Readonly<Record<Exclude<Lane, 'ack'>, (ts: string) => JsonObject>> = {
  alarm: ts => ({ key: 'alarm', state: 1, ts, msg: long }),
  event: ts => ({ msg: long, ts }),
  attribute: ts => ({ key: 'attribute', value: long, ts }),
  thing: () => ({ description: long }),
  location: ts => ({ lat: 1, lng: 2, ts, tag: long }),
  telemetry: ts => ({ key: 'n', value: 1, ts, corrId: long }),
}
const durabilities = ['spill', 'always', 'memory'] as const

/** Answers `ping` in a word, and anything else with a text that is over the limit of the broker. */
const execute: ExecuteMail = ({ name }, reply) => {
  void reply.finish({ status: 0, message: name === 'ping' ? 'pong' : long }).catch(() => {})
}

/** Runs actions until `isOver`; resolves to how many were answered. */
async function actionsUntil(cloud: LocalCloud, thingKey: string, isOver: () => boolean): Promise<number> {
  let answered = 0
  while (!isOver()) if ((await cloud.exec(thingKey, 'ping', undefined, { ackTimeout: 60 })).success) answered++
  return answered
}

test('a broker that closes the connection over one item: it is set aside, and everything else lives', {
  concurrency: 9,
}, async t => {
  const cloud = await startCloud(t)
  await cloud.fault('payloadLimit', { bytes: 20_000 })
  const scenes = Object.entries(poison).map(([lane, make], at) => {
    const durability = durabilities[at % durabilities.length] ?? 'spill'
    return t.test(`an item of lane ${lane}, ${durability}`, async t => {
      const it = await hastyDevice(t, cloud, { durability, execute })
      const ts = () => formatTimestamp(it.clock.now())
      const bad = await it.device.put(lane as Lane, make(ts()))
      await it.device.start()
      let outcome: unknown
      const over = bad.delivered().catch(error => {
        outcome = error
      })
      const actions = actionsUntil(cloud, it.thingKey, () => outcome !== undefined)
      const good = await publish(it)
      await over
      const answered = await actions
      assert.ok(outcome instanceof AgentError && outcome.code === 'LIMIT_EXCEEDED')
      assert.match(outcome.remedy, /smaller items/)
      assert.ok(answered > 0, 'no action was answered meanwhile')
      await Promise.all(good.map(receipt => receipt.delivered()))
      await assertArrived(cloud, it.thingKey, true)
      await cloud.heard({ thingKey: it.thingKey, command: 'log.publish', contains: 'poison_item' }, () => true, {
        timeoutMs: patienceMs,
      })
      await pingAtLast(it)
      const { lanes, setAside } = it.device.status()?.outbox ?? {}
      assert.deepEqual([lanes?.[lane as Lane].setAside, setAside?.total], [1, 1])
      assert.doesNotMatch(it.log(), /second device/)
    })
  })
  scenes.push(
    t.test('the answer of an action: the operator gets it shortened, once, and other answers pass it', async t => {
      const it = await hastyDevice(t, cloud, { execute })
      await it.device.start()
      await it.device.untilUp({})
      let isOver = false
      const asked = cloud.exec(it.thingKey, 'dump', undefined, { ackTimeout: 120 }).finally(() => {
        isOver = true
      })
      const answered = await actionsUntil(cloud, it.thingKey, () => isOver)
      const reply = await asked
      assert.equal(reply.success, true)
      const shortened = await cloud.heard({
        thingKey: it.thingKey,
        command: 'mailbox.ack',
        contains: 'The whole answer',
      })
      assert.match(JSON.stringify(shortened.payload), /x{200}… \[The whole answer, 30000 characters/)
      assert.ok(answered > 0, 'no other action was answered meanwhile')
      assert.doesNotMatch(it.log(), /second device/)
    }),
    t.test('one sample among 500: its neighbours arrive', async t => {
      const it = await hastyDevice(t, cloud)
      const item = (value: number) => ({ key: 'n', value, ts: formatTimestamp(it.clock.now()) })
      const outcomes: Promise<void>[] = []
      for (let value = 0; value < 500; value++) {
        const more = value === 250 ? { corrId: long } : {}
        outcomes.push((await it.device.put('telemetry', { ...item(value), ...more })).delivered())
      }
      await it.device.start()
      const settled = await Promise.allSettled(outcomes)
      assert.deepEqual(
        settled.flatMap(({ status }, value) => (status === 'fulfilled' ? [] : [value])),
        [250],
      )
      assert.doesNotMatch(it.log(), /second device/)
    }),
  )
  await Promise.all(scenes)
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
