// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { AgentError } from '../../src/base/errors.ts'
import { Outbox, type Receipt } from '../../src/outbox/outbox.ts'
import type { OutboxMemos } from '../../src/outbox/outbox-memos.ts'
import type { Store } from '../../src/outbox/store.ts'
import { Requester } from '../../src/protocol/requester.ts'
import { FakeClock } from './fake-clock.ts'
import { type Cloud, FakeLink } from './fake-link.ts'
import { memoryLog } from './memory-log.ts'

export interface OutboxSceneOptions {
  readonly cloud?: Cloud
  readonly isUp?: boolean
  readonly maxBytes?: number
  readonly store?: Store
  readonly memos?: OutboxMemos
  /** Those of the store, where there is one that needs them. */
  readonly clock?: FakeClock
  readonly link?: FakeLink
}

/** An outbox with a real requester over a {@link FakeLink}, and a clock that is turned by hand. */
export function outboxScene(t: TestContext, o: OutboxSceneOptions = {}) {
  const clock = o.clock ?? new FakeClock()
  clock.nextRandom = 0
  const link = o.link ?? new FakeLink({ isUp: o.isUp ?? true, ...(o.cloud !== undefined && { cloud: o.cloud }) })
  const { log, text } = memoryLog(clock)
  const requester = new Requester({ link, clock, log, qos: 1 })
  const outbox = new Outbox({
    thingKey: 'K',
    requester,
    link,
    clock,
    log,
    maxBytes: o.maxBytes ?? 64 * 1024 * 1024,
    ...(o.store !== undefined && { store: o.store }),
    ...(o.memos !== undefined && { memos: o.memos }),
  })
  t.after(async () => {
    await outbox.close()
    requester.close(new AgentError('CLOSED', 'end of test'))
    assert.deepEqual(link.thrown, [])
    assert.equal(clock.timers, 0, 'a timer was left behind')
  })
  return { clock, link, requester, outbox, logText: text }
}

/** What became of an item that was put: `delivered`, or the error code. */
export async function outcomeOf(receipt: Promise<Receipt>): Promise<string> {
  try {
    await (await receipt).delivered()
    return 'delivered'
  } catch (error) {
    return error instanceof AgentError ? error.code : String(error)
  }
}

export const sample = (value: number, key = 'p') => ({ key, value, ts: 'T' })
