// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import test from 'node:test'
import type { RefusedItem } from '../../../src/outbox/losses.ts'
import { limits } from '../../../src/protocol/limits.ts'
import { refuse, succeed } from '../../helpers/fake-link.ts'
import { outboxScene, outcomeOf, sample } from '../../helpers/outbox-scene.ts'

const batchLanes = [
  ['telemetry', 'property.batch', 'property.publish', (value: number) => sample(value)],
  ['alarm', 'alarm.batch', 'alarm.publish', (value: number) => ({ key: 'a', state: value, ts: 'T', value })],
  ['attribute', 'attribute.batch', 'attribute.publish', (value: number) => ({ key: 'k', value, ts: 'T' })],
  ['location', 'location.batch', 'location.publish', (value: number) => ({ lat: 1, lng: 2, value })],
] as const

for (const [lane, batch, single, make] of batchLanes) {
  test(`a bad item of lane ${lane} is refused alone; its neighbours arrive as ${single} [H31]`, async t => {
    const isBad = (params: { value?: number; data?: { value: number }[] }) =>
      params.value === 2 || params.data?.some(item => item.value === 2) === true
    const { outbox, link } = outboxScene(t, { isUp: false, cloud: refuse(({ params }) => isBad(params)) })
    const refused: RefusedItem[] = []
    outbox.on('refused', item => refused.push(item))
    const outcomes = [1, 2, 3].map(value => outcomeOf(outbox.put(lane, make(value))))
    link.up()
    assert.deepEqual(await Promise.all(outcomes), ['delivered', 'REFUSED_BY_CLOUD', 'delivered'])
    assert.deepEqual(
      link.sent.map(({ commands }) => commands.map(({ command }) => command)),
      [[batch], [single, single, single]],
    )
    assert.deepEqual(link.sent[1]?.commands[0]?.params, { thingKey: 'K', ...make(1) })
    assert.deepEqual(
      refused.map(({ lane: of, item }) => [of, item]),
      [[lane, make(2)]],
    )
    assert.deepEqual(refused[0]?.error.details, { errorCodes: [-7], errorMessages: ['Bad value'] })
    const stats = outbox.stats().lanes[lane]
    assert.deepEqual([stats.delivered, stats.refused, stats.waiting, stats.dropped], [2, 1, 0, 0])
    assert.equal(await outcomeOf(outbox.put(lane, make(4))), 'delivered')
    assert.equal(link.sent.at(-1)?.commands[0]?.command, batch, 'later samples go as batches again')
  })
}

test('the items of a refused batch go in messages of bounded size', async t => {
  const { outbox, link } = outboxScene(t, { isUp: false, cloud: refuse(({ command }) => command === 'property.batch') })
  const key = 'k'.repeat(90)
  const outcomes = Array.from({ length: 1000 }, (_, value) =>
    outcomeOf(outbox.put('telemetry', { ...sample(value), key })),
  )
  link.up()
  assert.deepEqual(new Set(await Promise.all(outcomes)), new Set(['delivered']))
  assert.ok(link.sent.length >= 3)
  for (const { text } of link.sent) assert.ok(text.length <= limits.maxBatchBytes + 200, `${text.length} bytes`)
  const singles = link.commands.filter(({ command }) => command === 'property.publish')
  assert.deepEqual(
    singles.map(({ params }) => params.value),
    [...new Array(1000).keys()],
  )
})

test('a refused event or ack is settled and not tried again; the others of its message arrive', async t => {
  const { outbox, link } = outboxScene(t, {
    isUp: false,
    cloud: refuse(({ params }) => params.id === 'done' || params.msg === 'bad'),
  })
  const outcomes = [
    outcomeOf(outbox.put('ack', { command: 'mailbox.ack', params: { id: 'done', errorCode: 0 } })),
    outcomeOf(outbox.put('ack', { command: 'mailbox.ack', params: { id: 'new', errorCode: 0 } })),
    outcomeOf(outbox.put('event', { msg: 'bad' })),
    outcomeOf(outbox.put('event', { msg: 'good' })),
  ]
  link.up()
  assert.deepEqual(await Promise.all(outcomes), ['REFUSED_BY_CLOUD', 'delivered', 'REFUSED_BY_CLOUD', 'delivered'])
  assert.equal(link.sent.length, 2)
})

test('throttling and a failure of the whole request are waited out and never drop anything', async t => {
  for (const cloud of [
    refuse(() => true, [-1], ['API rate limit exceeded']),
    () => ({ success: false, errorCodes: [-3], errorMessages: ['Not authenticated'] }),
  ]) {
    const { outbox, link, clock } = outboxScene(t, { cloud })
    const outcomes = [1, 2].map(value => outcomeOf(outbox.put('telemetry', sample(value))))
    for (let pause = 0; pause < 20; pause++) await clock.advance(60_000)
    assert.equal(outbox.stats().waiting, 2)
    const tries = link.sent.length
    assert.ok(tries > 10 && tries < 60, `${tries} tries in 20 minutes`)
    assert.ok(link.commands.every(({ command }) => command === 'property.batch'))
    link.cloud = succeed
    await clock.advance(60_000)
    assert.deepEqual(await Promise.all(outcomes), ['delivered', 'delivered'])
    assert.equal(outbox.stats().lanes.telemetry.refused, 0)
  }
})

test('a refusal that no caller waits for is no unhandled rejection', async t => {
  const unhandled: unknown[] = []
  const onUnhandled = (error: unknown) => void unhandled.push(error)
  process.on('unhandledRejection', onUnhandled)
  t.after(() => process.off('unhandledRejection', onUnhandled))
  const { outbox } = outboxScene(t, { cloud: refuse(() => true) })
  await outbox.put('event', { msg: 'bad' })
  assert.equal(await outbox.flush({ timeoutMs: 1000 }), true)
  await new Promise(resolve => setImmediate(resolve))
  assert.deepEqual(unhandled, [])
})
