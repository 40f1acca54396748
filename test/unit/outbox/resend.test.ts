// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import test from 'node:test'
import { limits } from '../../../src/protocol/limits.ts'
import { settle } from '../../helpers/fake-clock.ts'
import { type SeenCommand, silent, succeed } from '../../helpers/fake-link.ts'
import { outboxScene, outcomeOf, sample } from '../../helpers/outbox-scene.ts'

const values = (commands: readonly SeenCommand[]) =>
  commands.flatMap(({ params }) =>
    (params?.data ?? [params ?? {}]).flatMap((item: { value?: number }) => item.value ?? []),
  )

test('what was on its way when the link was lost is sent again, in order, when it is back', async t => {
  const { outbox, link, clock } = outboxScene(t, { cloud: silent })
  const outcomes = [1, 2, 3].map(value => outcomeOf(outbox.put('telemetry', sample(value))))
  await settle()
  link.down()
  outcomes.push(outcomeOf(outbox.put('telemetry', sample(4))))
  await settle()
  link.cloud = succeed
  link.up()
  assert.deepEqual(await Promise.all(outcomes), new Array(4).fill('delivered'))
  assert.deepEqual(values(link.commands), [1, 2, 3, 1, 2, 3, 4])
  const { resent, delivered } = outbox.stats().lanes.telemetry
  assert.deepEqual({ resent, delivered }, { resent: 3, delivered: 4 })
  assert.equal(clock.monotonicMs(), 0, 'the return of the link is no reason to wait')
})

test('without an answer over a link that stays up the same is sent again, with growing pauses', async t => {
  const { outbox, link, clock } = outboxScene(t, { cloud: silent })
  clock.nextRandom = 0.999
  const outcome = outcomeOf(outbox.put('event', { msg: 'e' }))
  await clock.advance(limits.requestTimeoutMs)
  assert.equal(link.sent.length, 1)
  await clock.advance(999)
  assert.equal(link.sent.length, 1)
  await clock.advance(1)
  assert.equal(link.sent.length, 2)
  await clock.advance(limits.requestTimeoutMs + 1000)
  assert.equal(link.commands.filter(({ command }) => command === 'log.publish').length, 2, 'the second pause is longer')
  link.cloud = succeed
  await clock.advance(1000)
  assert.equal(await outcome, 'delivered')
})

test('the return of the link ends a pause', async t => {
  const { outbox, link, clock } = outboxScene(t, { cloud: silent })
  const outcome = outcomeOf(outbox.put('event', { msg: 'e' }))
  await clock.advance(limits.requestTimeoutMs)
  link.cloud = succeed
  link.down()
  link.up()
  assert.equal(await outcome, 'delivered')
  assert.equal(clock.monotonicMs(), limits.requestTimeoutMs)
})

test('a late answer to the first try does not deliver twice or break the second', async t => {
  const { outbox, link, clock } = outboxScene(t, { cloud: silent })
  const outcome = outcomeOf(outbox.put('event', { msg: 'e' }))
  await clock.advance(limits.requestTimeoutMs + 1000)
  assert.equal(link.sent.length, 2)
  link.reply(link.sent[0]?.suffix ?? '', { 1: { success: true } })
  await settle()
  assert.equal(outbox.stats().waiting, 1)
  link.reply(link.sent[1]?.suffix ?? '', { 1: { success: true } })
  link.reply(link.sent[1]?.suffix ?? '', { 1: { success: true } })
  assert.equal(await outcome, 'delivered')
  assert.equal(outbox.stats().lanes.event.delivered, 1)
})

test('messages that get no answer become smaller, and larger again when they pass', async t => {
  const { outbox, link, clock } = outboxScene(t, { isUp: false, cloud: silent })
  for (let value = 0; value < 100; value++) await outbox.put('telemetry', sample(value))
  link.up()
  for (let timeout = 0; timeout < 3; timeout++) await clock.advance(limits.requestTimeoutMs + 60_000)
  link.cloud = succeed
  await clock.advance(60_000)
  const sizes = link.commands.flatMap(({ params }) => params?.data?.length ?? [])
  assert.deepEqual(sizes.slice(0, 3), [100, 50, 25])
  assert.equal(sizes.at(-2), 2 * (sizes.at(-3) ?? 0))
  assert.equal(outbox.stats().waiting, 0)
})

test('a small item is never given up, however often the link is lost', async t => {
  const { outbox, link, clock } = outboxScene(t, { isUp: false, cloud: silent })
  const outcome = outcomeOf(outbox.put('event', { msg: 'e' }))
  for (let session = 0; session < 30; session++) {
    link.up()
    await clock.advance(5000)
    link.down()
    await settle()
  }
  link.cloud = succeed
  link.up()
  await clock.advance(5000)
  assert.equal(await outcome, 'delivered')
})

test('nonsense instead of an answer loses nothing', async t => {
  const nonsense = ['{"1":', '[]', '{"success":true}', '{"2":{"success":true}}', '{"1":{}}', '\xff']
  for (const answer of nonsense) {
    const { outbox, link, clock } = outboxScene(t)
    link.cloud = ({ suffix }) => {
      setImmediate(() => link.deliver(`reply/${suffix}`, Buffer.from(answer, 'latin1')))
      return undefined
    }
    const outcome = outcomeOf(outbox.put('alarm', { key: 'a', state: 1 }))
    await clock.advance(100)
    assert.equal(outbox.stats().waiting, 1, answer)
    link.cloud = succeed
    await clock.advance(2000)
    assert.equal(await outcome, 'delivered')
  }
})
