// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../base/clock.ts'
import { Emitter } from '../base/emitter.ts'
import { type AgentError, messageOf } from '../base/errors.ts'
import { isJsonObject, type JsonObject, parseJson } from '../base/json.ts'
import type { Log } from '../base/log.ts'
import { formatTimestamp } from '../base/timestamp.ts'
import { EventLevel, eventItem } from '../protocol/samples.ts'
import { DropReporter, type DropReporterOptions } from './drop-reporter.ts'
import { type Lane, perLane } from './lanes.ts'
import { noMemo } from './memo.ts'
import type { OutboxMemos } from './outbox-memos.ts'
import { poisonError, poisonText } from './poison.ts'
import { fullError } from './room.ts'
import { SetAside, type SetAsideStats } from './set-aside.ts'
import type { Dropped, StoredItem } from './store.ts'

/** An item that the cloud refused for good, or that was set aside because it ended the link each time. */
export interface RefusedItem {
  readonly lane: Lane
  readonly item: JsonObject
  /** `REFUSED_BY_CLOUD` with `errorCodes` and `errorMessages` in its details, or `LIMIT_EXCEEDED`. */
  readonly error: AgentError
}

interface LossesParts {
  readonly clock: Clock
  readonly log: Log
  readonly memos: OutboxMemos | undefined
  readonly mayReport: () => boolean
  /** Puts an event. */
  readonly put: DropReporterOptions['send']
}

/** The items that leave the outbox undelivered: dropped, refused, or set aside. Each is counted and reported. */
export class Losses {
  readonly #parts: LossesParts
  readonly #dropped = perLane(() => 0)
  readonly #drops: DropReporter
  readonly #setAside: SetAside
  readonly #events: Emitter<{ refused: [RefusedItem] }>

  constructor(parts: LossesParts) {
    const { clock, log, memos, mayReport, put } = parts
    this.#parts = parts
    this.#drops = new DropReporter({ clock, mayReport, send: put, memo: memos?.drops ?? noMemo() })
    this.#setAside = new SetAside(memos?.setAside ?? noMemo())
    this.#events = new Emitter((event, error) =>
      log.limited(`listener ${event}`, 'error', 'a listener failed', { event, error: messageOf(error) }),
    )
  }

  /** What must be on flash when the process ends. */
  get memories(): readonly { saveNow(): void }[] {
    return [this.#drops, this.#setAside]
  }

  get setAsideStats(): SetAsideStats | undefined {
    return this.#setAside.stats()
  }

  droppedOf(lane: Lane): number {
    return this.#dropped[lane]
  }

  on(event: 'refused', listener: (refused: RefusedItem) => void): () => void {
    return this.#events.on(event, listener)
  }

  /** Items were dropped because the outbox is full. */
  dropped(lane: Lane, { items, receipts }: Dropped): void {
    this.#dropped[lane] += items
    this.#drops.count(lane, items)
    this.#parts.log.limited(`outbox full ${lane}`, 'warn', 'the outbox is full; the oldest of the least important go', {
      lane,
      dropped: this.#dropped[lane],
    })
    for (const receipt of receipts) receipt.settle(fullError(lane))
  }

  /** Reports drops to the cloud, if there are any and the moment is right. */
  reportDrops(): void {
    this.#drops.report()
  }

  /** The cloud refused an item for good, or it was set aside. */
  refused(lane: Lane, item: StoredItem, error: AgentError): void {
    if (error.code === 'REFUSED_BY_CLOUD')
      this.#parts.log.limited(`outbox refused ${lane}`, 'warn', 'the cloud refused an item for good', { lane, error })
    const parsed = parseJson(item.json)
    this.#events.emit('refused', { lane, item: isJsonObject(parsed) ? parsed : {}, error })
  }

  /** A poison item is kept where it is not sent from, and an event in the cloud reports it to the owner of the device. */
  async setAside(lane: Lane, item: StoredItem): Promise<AgentError> {
    const { clock, log, put } = this.#parts
    await this.#setAside.add(lane, item, clock.now())
    const error = poisonError(lane, item)
    log.error('a poison item was set aside', { lane, bytes: item.json.length, error: error.message })
    const event = eventItem({ msg: poisonText(lane, item), ts: formatTimestamp(clock.now()), level: EventLevel.Error })
    put(event).catch(cause => log.warn('event not taken', { error: cause }))
    return error
  }

  /** Whether this very item was set aside before. */
  wasSetAside(lane: Lane, item: StoredItem): boolean {
    return this.#setAside.has(lane, item)
  }

  /** Writes down the drops that are not reported yet. */
  saveDrops(): Promise<void> {
    return this.#drops.save()
  }

  /** Writes down everything that is not on flash yet. */
  async save(): Promise<void> {
    await this.#setAside.saveAgain()
    await this.#drops.save()
  }

  stop(): void {
    this.#drops.stop()
  }
}
