// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../base/clock.ts'
import { AgentError } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import { once } from '../base/lifecycle.ts'
import type { Log } from '../base/log.ts'
import { waitFor } from '../base/wait.ts'
import type { OnWire } from '../connection/reconnect.ts'
import { limits } from '../protocol/limits.ts'
import { needsOwnCommand } from '../protocol/publish-commands.ts'
import { BacklogProgress } from './backlog-progress.ts'
import { ClockRepair } from './clock-repair.ts'
import { itemJson } from './item-json.ts'
import { type Lane, perLane } from './lanes.ts'
import { Losses, type RefusedItem } from './losses.ts'
import { noMemo } from './memo.ts'
import { MemoryStore } from './memory-store.ts'
import type { OutboxMemos } from './outbox-memos.ts'
import { PoisonCandidates } from './poison-candidates.ts'
import { type DeliveryOptions, DeliveryReceipt } from './receipt.ts'
import { Room } from './room.ts'
import type { LinkState, RequestSender } from './sender-parts.ts'
import { Senders } from './senders.ts'
import type { LaneStats, OutboxStats } from './stats.ts'
import type { LastWrite, Store, StoredItem } from './store.ts'

/** The agent has taken charge of an item. */
export interface Receipt {
  readonly accepted: true
  /**
   * Resolves when the cloud has answered success.
   *
   * @throws AgentError `REFUSED_BY_CLOUD` (details: `errorCodes`, `errorMessages`), `OUTBOX_FULL`, `LIMIT_EXCEEDED`, `CLOSED`,
   * `INVALID_ARGUMENT`; `TIMEOUT` and `ABORTED` end only this wait
   */
  delivered(options?: DeliveryOptions): Promise<void>
}

/** The slice of the outbox that a publisher into lane `L` uses. */
export interface LaneInput<L extends Lane> {
  put(lane: L, item: JsonObject): Promise<Receipt>
}

export interface OutboxOptions {
  readonly thingKey: string
  readonly requester: RequestSender
  readonly link: LinkState
  readonly clock: Clock
  readonly log: Log
  /** Bound of all that waits, in bytes as the store counts them. */
  readonly maxBytes: number
  /** Default: memory. */
  readonly store?: Store
  /** What it remembers beside the queue; default: what ends with the process. */
  readonly memos?: OutboxMemos
}

/** Drops are reported when the outbox has some air again, and the report itself drops nothing. */
const reportBelow = 0.9
const reportBytes = 1024

/**
 * Store and forward: the only memory of what the cloud has not acknowledged, and the only place that sends it again.
 * An item leaves by TR50 success, by a refusal for good, as a poison item that ends each link it is sent over, or, oldest and
 * least important first, when the outbox is full.
 */
export class Outbox {
  readonly #options: OutboxOptions
  readonly #store: Store
  readonly #clockRepair: ClockRepair
  readonly #maxItemBytes: number
  readonly #losses: Losses
  readonly #candidates: PoisonCandidates
  readonly #room: Room
  readonly #senders: Senders
  readonly #closing = new AbortController()
  readonly #emptied = new Set<() => void>()
  readonly #unlisten: () => void
  #sequence: number
  #backlog: BacklogProgress | undefined

  constructor(options: OutboxOptions) {
    const { clock, link, log, memos, requester, thingKey, store = new MemoryStore() } = options
    this.#options = options
    this.#store = store
    this.#clockRepair = new ClockRepair(clock)
    this.#sequence = store.nextSequence
    this.#maxItemBytes = Math.min(limits.maxItemBytes, options.maxBytes - store.itemOverheadBytes)
    this.#losses = new Losses({
      clock,
      log,
      memos,
      mayReport: () => link.isUp && this.#hasAir(),
      put: event => this.put('event', event),
    })
    this.#candidates = new PoisonCandidates(memos?.candidates ?? noMemo(), store.itemOverheadBytes)
    this.#room = new Room({
      store,
      maxBytes: options.maxBytes,
      heldBytes: () => this.#candidates.heldBytes,
      onDropped: (lane, dropped) => this.#losses.dropped(lane, dropped),
    })
    const candidates = this.#candidates
    for (const { group, item } of candidates.held)
      if (this.#losses.wasSetAside(group.lane, item)) candidates.letGo(group.lane, item)
    this.#senders = new Senders({
      thingKey,
      store,
      requester,
      link,
      clock,
      log,
      candidates,
      signal: this.#closing.signal,
      rightOffsetMs: () => this.#clockRepair.rightOffsetMs(),
      onRefused: (lane, item, error) => this.#losses.refused(lane, item, error),
      onSettled: () => this.#settled(),
      setAside: (lane, item) => this.#losses.setAside(lane, item),
    })
    const unlisten = [link.on('up', () => this.#linkUp()), link.on('down', error => this.#linkDown(error))]
    this.#unlisten = () => {
      for (const stop of unlisten) stop()
    }
    // A store may hold what an earlier process left.
    if (this.#waiting > 0) this.#linkUp()
  }

  /**
   * Takes charge of an item: the batch item or the parameters of the command without the thing key; in lane `ack` the whole
   * command. Resolves when the store has it.
   *
   * @throws AgentError `INVALID_ARGUMENT` when it is not JSON or not for this lane; `LIMIT_EXCEEDED` when it is too large;
   * `OUTBOX_FULL` when only more important items could make room; `CLOSED`
   */
  put(lane: Lane, item: JsonObject): Promise<Receipt> {
    try {
      if (this.#closing.signal.aborted) throw closedError()
      const json = itemJson(lane, item, this.#maxItemBytes)
      const epochMs = this.#options.clock.now()
      // Whether the clock is set counts now, when the sample was taken, and not when there is room for it.
      const kept = {
        epochMs,
        ...this.#clockRepair.mark(epochMs),
        json,
        alone: lane !== 'ack' && needsOwnCommand(lane, item),
      }
      const room = this.#room.make(lane, json.length)
      if (room === undefined) return this.#append(lane, kept)
      const appended = room.then(() => this.#append(lane, kept))
      this.#room.queueBehind(appended)
      return appended
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Resolves true when nothing waits any more (refusals included), false when `timeoutMs` passed first; rejects `ABORTED`. */
  flush(options: { readonly timeoutMs: number; readonly signal?: AbortSignal }): Promise<boolean> {
    return waitFor<boolean>(options.signal, resolve => {
      if (this.#waiting === 0) {
        resolve(true)
        return undefined
      }
      const onEmpty = () => resolve(this.#waiting === 0)
      this.#emptied.add(onEmpty)
      const timer = this.#options.clock.timer(options.timeoutMs, () => resolve(false))
      return () => {
        this.#emptied.delete(onEmpty)
        timer.cancel()
      }
    })
  }

  /**
   * Writes to flash what waits in memory alone, where there is a store on flash that takes it; resolves to whether a process
   * that ended now would lose nothing.
   */
  async spill(): Promise<boolean> {
    await this.#losses.saveDrops()
    await this.#candidates.saved()
    return (await this.#store.spill()) && this.#candidates.isSafe
  }

  /** What the outbox has on the wire: when a session ends, the link asks whether that may be the reason. */
  get onWire(): OnWire {
    return this.#senders.onWire
  }

  /** As {@link spill}, while the caller waits, because the process ends. */
  lastWrite(isTimeLeft: () => boolean): LastWrite {
    const written = this.#store.lastWrite(isTimeLeft)
    const failures: unknown[] = []
    for (const beside of [this.#candidates, ...this.#losses.memories])
      try {
        beside.saveNow()
      } catch (failure) {
        failures.push(failure)
      }
    const [failure] = failures
    return failure === undefined ? written : { failure, ...written }
  }

  /** Stops sending; receipts of what was not delivered reject `CLOSED`. Call {@link flush} before to wait for delivery. */
  readonly close = once(async () => {
    this.#closing.abort(closedError())
    this.#unlisten()
    this.#losses.stop()
    await this.#senders.stop()
    await this.#room.made()
    await this.#candidates.saved()
    await this.#losses.save()
    const receipts = await this.#store.close()
    for (const receipt of receipts) receipt.settle(closedError())
    for (const { item } of this.#candidates.held) item.receipt?.settle(closedError())
    for (const onEmpty of [...this.#emptied]) onEmpty()
  })

  /** `refused`: the cloud refused an item for good. The returned function removes the listener. */
  on(event: 'refused', listener: (refused: RefusedItem) => void): () => void {
    return this.#losses.on(event, listener)
  }

  stats(): OutboxStats {
    const drain = this.#backlog?.progress(this.#senders.settledItems)
    const setAside = this.#losses.setAsideStats
    return {
      lanes: perLane(lane => this.#laneStats(lane)),
      waiting: this.#waiting,
      bytes: this.#bytes,
      maxBytes: this.#options.maxBytes,
      ...(!this.#candidates.isEmpty && { suspects: this.#candidates.count }),
      ...(setAside !== undefined && { setAside }),
      ...(drain !== undefined && { drain }),
    }
  }

  #laneStats(lane: Lane): LaneStats {
    const { items, bytes, oldestEpochMs } = this.#store.size(lane)
    const held = this.#candidates.heldOf(lane)
    return {
      waiting: items + held.length,
      bytes: bytes + this.#candidates.bytesOf(held),
      ...this.#senders.countsOf(lane),
      dropped: this.#losses.droppedOf(lane),
      ...(oldestEpochMs !== undefined && { oldestEpochMs }),
    }
  }

  get #waiting(): number {
    return this.#store.items + this.#candidates.held.length
  }

  get #bytes(): number {
    return this.#store.bytes + this.#candidates.heldBytes
  }

  #append(lane: Lane, item: Omit<StoredItem, 'sequence' | 'receipt'>): Promise<Receipt> {
    if (this.#closing.signal.aborted) throw closedError()
    const receipt = new DeliveryReceipt(this.#options.clock)
    const appended = this.#store.append(lane, { ...item, sequence: this.#sequence++, receipt })
    if (appended === undefined) {
      this.#senders.wake(lane)
      return Promise.resolve(receipt)
    }
    return appended.then(() => {
      this.#senders.wake(lane)
      return receipt
    })
  }

  /** Asked while what was on the wire is still known to be: its failure comes in a later turn. */
  #linkDown(error: AgentError): void {
    if (error.code !== 'CLOSED' && this.onWire === 'nothing') this.#candidates.linkEndedByItself()
  }

  #linkUp(): void {
    const items = this.#waiting
    this.#backlog =
      items === 0 ? undefined : new BacklogProgress(this.#options.clock.now(), items, this.#senders.settledItems)
    this.#senders.linkUp()
    this.#losses.reportDrops()
  }

  #hasAir(): boolean {
    const bytes = this.#bytes
    return (
      bytes === 0 || (bytes <= this.#options.maxBytes * reportBelow && bytes + reportBytes <= this.#options.maxBytes)
    )
  }

  #settled(): void {
    if (this.#waiting === 0) {
      this.#backlog = undefined
      for (const onEmpty of [...this.#emptied]) onEmpty()
    }
    this.#losses.reportDrops()
  }
}

const closedError = () => new AgentError('CLOSED', 'The outbox is closed.')
