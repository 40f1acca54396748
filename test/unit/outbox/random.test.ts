// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import test from 'node:test'
import type { Lane } from '../../../src/outbox/lanes.ts'
import { settle } from '../../helpers/fake-clock.ts'
import type { FakeLink, SeenMessage } from '../../helpers/fake-link.ts'
import { outboxScene, outcomeOf } from '../../helpers/outbox-scene.ts'
import { SlowStore } from '../../helpers/slow-store.ts'

/** A repeatable source of chance (mulberry32). */
function chance(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

const laneOf: Record<string, Lane> = {
  property: 'telemetry',
  alarm: 'alarm',
  log: 'event',
  mailbox: 'ack',
}
const makers: readonly (readonly [Lane, (id: number) => object])[] = [
  ['telemetry', id => ({ key: 'p', value: id })],
  ['telemetry', id => ({ key: 'p', value: id, aggregate: true })],
  ['alarm', id => ({ key: 'a', state: 0, value: id })],
  ['event', id => ({ msg: 'e', value: id })],
  ['ack', id => ({ command: 'mailbox.update', params: { id: 'm', value: id } })],
]

/**
 * A cloud that stores, refuses, stays silent, answers nonsense or cuts the link, as chance decides. It remembers each time that
 * an item reached it, and whether the answer that said so reached the agent.
 */
class MoodyCloud {
  readonly arrivals = new Map<number, { readonly lane: Lane; confirmed: boolean }[]>()
  readonly firstArrivals: { readonly lane: Lane; readonly id: number }[] = []
  /** Items that were alone in their message when the link ended: they may have to let the others pass. */
  readonly suspects = new Set<number>()
  readonly #alone = new Map<string, number>()
  moody = true
  readonly #link: FakeLink
  /** Answers that the agent has taken; one that comes after the deadline is none. */
  readonly #answered: () => number
  readonly #random: (below: number) => number
  readonly #isBad: (id: number) => boolean
  #session = 0

  constructor(
    link: FakeLink,
    answered: () => number,
    random: (below: number) => number,
    isBad: (id: number) => boolean,
  ) {
    this.#link = link
    this.#answered = answered
    this.#random = random
    this.#isBad = isBad
    link.on('up', () => {
      this.#session++
      this.#alone.clear()
    })
    link.on('down', () => {
      for (const id of this.#alone.values()) this.suspects.add(id)
    })
    link.cloud = message => {
      const [first, ...others] = message.commands.flatMap(({ params }) => params?.data ?? [params])
      if (others.length === 0 && first !== null) this.#alone.set(message.suffix, first.value)
      this.#take(message)
      return undefined
    }
  }

  #take(message: SeenMessage): void {
    const mood = this.moody ? this.#random(12) : 11
    if (mood === 0) return
    if (mood === 1) {
      this.#answer(message, { success: false, errorCodes: [-1], errorMessages: ['no'] }, [])
      return
    }
    const taken: { confirmed: boolean }[] = []
    const reply: Record<string, object> = {}
    for (const { id, command, params } of message.commands) {
      const lane = laneOf[command.split('.')[0] ?? ''] ?? 'thing'
      if (command === 'diag.ping') {
        reply[id] = { success: true }
        continue
      }
      const items: { value: number }[] = params.data ?? [params]
      // The real cloud stops at the first bad item of a batch and has taken those before it [TR50 3.0].
      const firstBad = items.findIndex(item => this.#isBad(item.value))
      for (const { value } of firstBad < 0 ? items : items.slice(0, firstBad)) {
        const arrival = this.#arrive(lane, value)
        if (firstBad < 0) taken.push(arrival)
      }
      reply[id] = firstBad < 0 ? { success: true } : { success: false, errorCodes: [-7], errorMessages: ['Bad value'] }
    }
    if (mood === 2) return
    if (mood === 3) setImmediate(() => this.#link.isUp && this.#link.down())
    else if (mood === 4) this.#answer(message, { 9999: { success: true } }, [])
    else this.#answer(message, reply, taken)
  }

  #answer(message: SeenMessage, reply: object, taken: { confirmed: boolean }[]): void {
    const session = this.#session
    setImmediate(() => {
      if (!this.#link.isUp || this.#session !== session) return
      this.#alone.delete(message.suffix)
      const before = this.#answered()
      this.#link.reply(message.suffix, reply)
      for (const arrival of taken) arrival.confirmed = this.#answered() > before
    })
  }

  #arrive(lane: Lane, id: number): { confirmed: boolean } {
    const arrivals = this.arrivals.get(id) ?? []
    if (arrivals.length === 0) this.firstArrivals.push({ lane, id })
    const arrival = { lane, confirmed: false }
    arrivals.push(arrival)
    this.arrivals.set(id, arrivals)
    return arrival
  }
}

interface Kind {
  readonly name: string
  readonly slow: boolean
  readonly isBad: (id: number) => boolean
  /** Behind a refused batch a separate command of the same message overtakes its items, which go again one by one. */
  readonly unordered: readonly Lane[]
}

const kinds: readonly Kind[] = [
  { name: 'all good', slow: false, isBad: () => false, unordered: [] },
  { name: 'some bad', slow: false, isBad: id => id % 23 === 0, unordered: ['telemetry'] },
  { name: 'some bad, slow store', slow: true, isBad: id => id % 23 === 0, unordered: ['telemetry'] },
]

for (const { name, slow, isBad, unordered } of kinds) {
  for (let seed = 1; seed <= 10; seed++) {
    test(`chance ${seed}, ${name}: nothing is lost, order is kept, nothing confirmed comes twice`, async t => {
      const random = chance(seed)
      const { outbox, link, clock, requester } = outboxScene(t, slow ? { store: new SlowStore() } : {})
      const cloud = new MoodyCloud(link, () => requester.counters().answered, random, isBad)
      const outcomes = new Map<number, Promise<string>>()
      for (let id = 1; id <= 400; id++) {
        const [lane, make] = makers[random(makers.length)] ?? (['telemetry', () => ({})] as const)
        outcomes.set(id, outcomeOf(outbox.put(lane, { ...make(id) })))
        if (random(6) === 0) await settle()
        if (random(40) === 0) await clock.advance(random(40_000))
        if (random(30) === 0 && link.isUp) link.down()
        if (random(3) === 0 && !link.isUp) link.up()
      }
      cloud.moody = false
      for (let round = 0; round < 400 && outbox.stats().waiting > 0; round++) {
        if (!link.isUp) link.up()
        await clock.advance(5000)
      }
      assert.equal(outbox.stats().waiting, 0)
      for (const [id, outcome] of outcomes) {
        assert.equal(await outcome, isBad(id) ? 'REFUSED_BY_CLOUD' : 'delivered', `item ${id}`)
        const arrivals = cloud.arrivals.get(id) ?? []
        assert.deepEqual(
          [arrivals.length > 0, arrivals.at(-1)?.confirmed === true],
          [!isBad(id), !isBad(id)],
          `item ${id}`,
        )
        for (const arrival of arrivals.slice(0, -1)) assert.equal(arrival.confirmed, false, `item ${id} came again`)
      }
      for (const lane of new Set(cloud.firstArrivals.map(arrival => arrival.lane))) {
        if (unordered.includes(lane)) continue
        const ids = cloud.firstArrivals
          .filter(arrival => arrival.lane === lane && !cloud.suspects.has(arrival.id))
          .map(({ id }) => id)
        assert.deepEqual(
          ids,
          [...ids].sort((a, b) => a - b),
          `order of lane ${lane}`,
        )
      }
    })
  }
}
