// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import type { Lane } from '../../../src/outbox/lanes.ts'
import { MemoryStore } from '../../../src/outbox/memory-store.ts'
import { settle } from '../../helpers/fake-clock.ts'
import { type Cloud, succeed } from '../../helpers/fake-link.ts'
import { type OutboxSceneOptions, outboxScene, outcomeOf, sample } from '../../helpers/outbox-scene.ts'

const poison = 'p'.repeat(100)

/** An outbox whose cloud ends the link on each message with a poison item, and comes back a second later. */
function poisonScene(t: TestContext, o: OutboxSceneOptions = {}) {
  const scene = outboxScene(t, { isUp: false, ...o })
  const { link, clock, outbox } = scene
  const fatal: number[] = []
  const cloud: Cloud = message => {
    if (!message.text.includes(poison)) return succeed(message)
    fatal.push(message.commands.reduce((sum, { params }) => sum + (params?.data?.length ?? 1), 0))
    setImmediate(() => link.isUp && link.down())
    return undefined
  }
  link.cloud = cloud
  /** Lets so many sessions come and go. */
  const live = async (sessions: number) => {
    for (let session = 0; session < sessions; session++) {
      if (!link.isUp) link.up()
      await clock.advance(5000)
      await settle()
    }
  }
  const commands = (name: string) => link.commands.filter(({ command }) => command === name)
  return { ...scene, outbox, live, fatal, commands }
}

const items: Readonly<Record<Lane, (text: string) => object>> = {
  ack: text => ({ command: 'mailbox.update', params: { id: text.length === 1 ? text : 'p', msg: text } }),
  alarm: text => ({ key: 'a', state: 1, ts: 'T', msg: text }),
  event: text => ({ msg: text, ts: 'T' }),
  attribute: text => ({ key: 'k', value: text, ts: 'T' }),
  thing: text => ({ name: text }),
  location: text => ({ lat: 1, lng: 2, ts: 'T', tag: text }),
  telemetry: text => ({ key: 'p', value: 1, ts: 'T', corrId: text }),
}

for (const [lane, make] of Object.entries(items) as [Lane, (text: string) => object][]) {
  test(`a poison item of lane ${lane} is set aside, whatever its size, and its neighbours and all other lanes pass`, async t => {
    const { outbox, live, commands, fatal } = poisonScene(t)
    const outcomes = ['1', poison, '2'].map(text => outcomeOf(outbox.put(lane, { ...make(text) })))
    const others = (Object.entries(items) as [Lane, (text: string) => object][])
      .filter(([other]) => other !== lane)
      .map(([other, makeOther]) => outcomeOf(outbox.put(other, { ...makeOther('3') })))
    await live(9)
    assert.deepEqual(await Promise.all(outcomes), ['delivered', 'LIMIT_EXCEEDED', 'delivered'])
    assert.deepEqual(new Set(await Promise.all(others)), new Set(['delivered']))
    assert.deepEqual(fatal.slice(-3), [1, 1, 1], 'it was alone each time')
    assert.ok(fatal.length <= 5, `${fatal.length} links ended`)
    const { lanes, setAside, waiting, suspects } = outbox.stats()
    assert.deepEqual([lanes[lane].setAside, lanes[lane].refused, waiting, suspects], [1, 0, 0, undefined])
    assert.deepEqual([setAside?.total, setAside?.kept, setAside?.lastLane], [1, 1, lane])
    const told = commands('log.publish').filter(({ params }) => /^poison_item: an item of \d+ bytes/.test(params.msg))
    assert.equal(told.length, 1)
    assert.equal(await outbox.flush({ timeoutMs: 0 }), true, 'it does not wait any more')
  })
}

test('one poison item among 500 is found by halves, and the 499 arrive, each once', async t => {
  const { outbox, live, fatal, commands } = poisonScene(t)
  const outcomes = Array.from({ length: 500 }, (_, value) =>
    outcomeOf(outbox.put('telemetry', { ...sample(value), ...(value === 333 && { corrId: poison }) })),
  )
  await live(16)
  const outcome = await Promise.all(outcomes)
  assert.equal(outcome[333], 'LIMIT_EXCEEDED')
  assert.equal(outcome.filter(one => one === 'delivered').length, 499)
  assert.deepEqual([fatal[0], ...fatal.slice(-3)], [500, 1, 1, 1])
  assert.ok(fatal.length <= 12, `${fatal.length} links ended`)
  assert.ok(commands('diag.ping').length > 0, 'a link that carries nothing else proves itself by a ping')
})

test('several poison items, in one lane and in others, are all set aside, and what is good passes before them', async t => {
  const { outbox, live } = poisonScene(t)
  const bad = [1, 2, 3].flatMap(() => [
    outcomeOf(outbox.put('event', { ...items.event(poison) })),
    outcomeOf(outbox.put('alarm', { ...items.alarm(poison) })),
  ])
  const good = ['1', '2'].map(text => outcomeOf(outbox.put('event', { ...items.event(text) })))
  await live(60)
  assert.deepEqual(new Set(await Promise.all(bad)), new Set(['LIMIT_EXCEEDED']))
  assert.deepEqual(await Promise.all(good), ['delivered', 'delivered'])
  assert.equal(outbox.stats().setAside?.total, 6)
})

test('while a poison candidate waits for its next trial, what is put passes it: in its own lane too', async t => {
  const { outbox, live, link } = poisonScene(t)
  const bad = outcomeOf(outbox.put('ack', { ...items.ack(poison) }))
  await live(1)
  assert.equal(outbox.stats().suspects, undefined, 'any item may be on the wire when a link ends')
  await live(2)
  assert.equal(outbox.stats().suspects, 1)
  assert.equal(outbox.stats().lanes.ack.waiting, 1)
  link.up()
  assert.equal(await outcomeOf(outbox.put('ack', { ...items.ack('2') })), 'delivered')
  await live(4)
  assert.equal(await bad, 'LIMIT_EXCEEDED')
})

test('a link that ends every three seconds, whose answers take their time, carries what it can', async t => {
  const { outbox, link, clock } = outboxScene(t, { isUp: false })
  link.cloud = message => {
    clock.timer(700, () => link.isUp && link.reply(message.suffix, succeed(message) ?? {}))
    return undefined
  }
  const make = (value: number) => {
    void outbox.put('telemetry', sample(value))
    if (value % 5 === 0)
      for (const lane of ['event', 'attribute', 'alarm'] as const) void outbox.put(lane, { ...items[lane]('1') })
  }
  for (let tenth = 0; tenth < 1200; tenth++) {
    for (let one = 0; one < 3; one++) make(tenth * 3 + one)
    // Up for three seconds of four.
    if (tenth % 40 === 0) link.up()
    if (tenth % 40 === 30) link.down()
    await clock.advance(100)
  }
  const { lanes, setAside, suspects } = outbox.stats()
  t.diagnostic(`${lanes.telemetry.delivered} of 3600 delivered`)
  assert.ok(lanes.telemetry.delivered > 3300, `${lanes.telemetry.delivered} of 3600 delivered`)
  assert.deepEqual([setAside, suspects], [undefined, undefined])
  link.cloud = succeed
  link.up()
  await clock.advance(10_000)
})

test('a link that also ends while nothing is on the wire ends by itself: what it did before says nothing of a candidate', async t => {
  const { outbox, live, link, fatal, clock } = poisonScene(t)
  const outcome = outcomeOf(outbox.put('event', { ...items.event(poison) }))
  await live(4)
  assert.equal(fatal.length, 4, 'twice among all others, and two strikes')
  link.up()
  await clock.advance(500)
  link.down()
  await settle()
  await live(2)
  assert.deepEqual([fatal.length, outbox.stats().setAside], [6, undefined])
  await live(1)
  assert.equal(await outcome, 'LIMIT_EXCEEDED')
  assert.equal(fatal.length, 7)
})

test('what has ended a link is sent again after a second in which nothing is on the wire', async t => {
  const { outbox, live, link, fatal, clock } = poisonScene(t)
  const outcome = outcomeOf(outbox.put('event', { ...items.event(poison) }))
  await live(3)
  const sentMs: number[] = []
  const { cloud } = link
  link.cloud = message => {
    sentMs.push(clock.monotonicMs())
    return cloud(message)
  }
  link.up()
  for (let tenth = 0; fatal.length === 3 && tenth < 100; tenth++) {
    void outbox.put('telemetry', sample(tenth))
    await clock.advance(100)
    await settle()
  }
  const [before = Number.NaN, again = Number.NaN] = sentMs.slice(-2)
  assert.ok(sentMs.length > 10, 'until then the others go')
  assert.ok(again - before >= 1000, `${again - before} ms`)
  await live(3)
  assert.equal(await outcome, 'LIMIT_EXCEEDED')
})

test('a radio that flaps costs nothing: what was on its way goes in its old order, and nothing is set aside', async t => {
  const { outbox, link, clock } = outboxScene(t, { cloud: () => undefined })
  const outcomes = [1, 2, 3].map(state => outcomeOf(outbox.put('alarm', { key: 'a', state, ts: 'T' })))
  for (let flap = 0; flap < 50; flap++) {
    await clock.advance(3000)
    link.down()
    await settle()
    if (flap === 49) link.cloud = succeed
    link.up()
    await settle()
  }
  await clock.advance(310_000)
  assert.deepEqual(await Promise.all(outcomes), ['delivered', 'delivered', 'delivered'])
  assert.equal(outbox.stats().setAside, undefined)
})

test('a single flap changes no order: an alarm that was on its way arrives before the one that takes it back', async t => {
  const { outbox, link } = outboxScene(t, { cloud: () => undefined })
  const outcomes = [outcomeOf(outbox.put('alarm', { key: 'a', state: 1, ts: 'T' }))]
  await settle()
  link.down()
  outcomes.push(outcomeOf(outbox.put('alarm', { key: 'a', state: 0, ts: 'T' })))
  await settle()
  link.cloud = succeed
  link.up()
  assert.deepEqual(await Promise.all(outcomes), ['delivered', 'delivered'])
  const states = link.commands.flatMap(
    ({ params }) => params?.state ?? params?.data?.map((item: { state: number }) => item.state) ?? [],
  )
  assert.deepEqual(states, [1, 1, 0])
})

test('a candidate that the cloud does not answer holds the others up for ten seconds at most, and is no poison', async t => {
  const { outbox, link, clock } = outboxScene(t, { cloud: () => undefined })
  const slow = outcomeOf(outbox.put('event', { msg: 'slow' }))
  await settle()
  link.down()
  link.cloud = message => (message.text.includes('slow') ? undefined : succeed(message))
  link.up()
  await settle()
  const other = outcomeOf(outbox.put('alarm', { key: 'a', state: 1, ts: 'T' }))
  await clock.advance(10_000)
  assert.equal(await other, 'delivered')
  await clock.advance(30_000)
  link.cloud = succeed
  await clock.advance(60_000)
  assert.equal(await slow, 'delivered')
})

test('a store that cannot be read when a candidate is tried delays it, and harms nothing else', async t => {
  let isBroken = false
  class BrokenStore extends MemoryStore {
    override read(lane: Lane, bounds: { readonly maxItems: number; readonly maxBytes: number }) {
      if (isBroken && lane === 'event') throw new Error('broken')
      return super.read(lane, bounds)
    }
  }
  const { outbox, link, clock } = outboxScene(t, { store: new BrokenStore(), cloud: () => undefined })
  const outcome = outcomeOf(outbox.put('event', { msg: 'e' }))
  await settle()
  link.down()
  link.cloud = message => {
    isBroken = message.text.includes('alarm')
    return succeed(message)
  }
  const alarm = outcomeOf(outbox.put('alarm', { key: 'a', state: 1, ts: 'T' }))
  link.up()
  assert.equal(await alarm, 'delivered')
  await clock.advance(5000)
  assert.equal(outbox.stats().lanes.event.waiting, 1)
  isBroken = false
  await clock.advance(60_000)
  assert.equal(await outcome, 'delivered')
})

test('what is held back when the outbox closes is told so', async t => {
  const { outbox, live } = poisonScene(t)
  const outcome = outcomeOf(outbox.put('event', { ...items.event(poison) }))
  await live(2)
  await outbox.close()
  assert.equal(await outcome, 'CLOSED')
})

test('the end that this program makes itself makes no candidate', async t => {
  const { outbox, link, requester } = outboxScene(t, { cloud: () => undefined })
  await outbox.put('event', { msg: 'e' })
  await settle()
  link.closed()
  await settle()
  assert.equal(outbox.stats().suspects, undefined)
  assert.equal(requester.counters().linkLost, 1)
})
