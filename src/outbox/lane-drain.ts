// SPDX-License-Identifier: Apache-2.0
import { type BackoffPolicy, backoffMs } from '../base/backoff.ts'
import type { Timer } from '../base/clock.ts'
import { type AgentError, asAgentError } from '../base/errors.ts'
import { limits } from '../protocol/limits.ts'
import type { CommandResult } from '../protocol/reply.ts'
import { type Refused, sortByResult } from './disposition.ts'
import type { Lane } from './lanes.ts'
import { isLinkEnd } from './link-end.ts'
import type { Message } from './message.ts'
import { MessageBound } from './message-bound.ts'
import type { SenderParts } from './sender-parts.ts'
import type { LaneStats } from './stats.ts'
import type { StoredItem } from './store.ts'

export interface LaneDrainOptions extends SenderParts {
  readonly lane: Lane
  /** Whether it must send nothing for now. */
  isHeld(): boolean
  onRefused(lane: Lane, item: StoredItem, error: AgentError): void
  /** Items left the store. */
  onSettled(): void
  /** It sends nothing now: nothing is left, or something is in the way. */
  onStopped(): void
}

/** What became of items. */
export interface Settled {
  readonly delivered?: readonly StoredItem[]
  readonly refused?: readonly Refused[]
  readonly setAside?: readonly Refused[]
}

const pause: BackoffPolicy = { firstMs: 1000, maxMs: 60_000 }

/**
 * Empties one lane: a message at a time, in order. While one is on its way, new items gather for the next; nothing waits
 * for a clock except a repetition over a link that stays up.
 */
export class LaneDrain {
  readonly #options: LaneDrainOptions
  readonly #bound = new MessageBound()
  #running = false
  #isSending = false
  #isAtCandidate = false
  #ended: Promise<void> = Promise.resolve()
  #linkCameUp = false
  #rest: Timer | undefined
  #pauses = 0
  #maxItems: number = limits.maxBatchItems
  /** Items up to here were in a refused batch and go one by one. */
  #singleThrough = -1
  #sentThrough = -1
  #delivered = 0
  #refused = 0
  #setAside = 0
  #resent = 0
  #tries = 0

  constructor(options: LaneDrainOptions) {
    this.#options = options
  }

  get counts(): Pick<LaneStats, 'delivered' | 'refused' | 'setAside' | 'resent' | 'tries'> {
    const setAside = this.#setAside
    return { delivered: this.#delivered, refused: this.#refused, setAside, resent: this.#resent, tries: this.#tries }
  }

  /** Whether {@link kick} would start it if there were something to send. */
  get isIdle(): boolean {
    return !this.#running && !this.#isAtCandidate && this.#rest === undefined && this.#mayRun()
  }

  get isRunning(): boolean {
    return this.#running
  }

  /** Whether a message of it is on the wire. */
  get isSending(): boolean {
    return this.#isSending
  }

  /** Whether the first of what waits may be poison: {@link PoisonTrials} sends it then. */
  get isAtCandidate(): boolean {
    return this.#isAtCandidate
  }

  /** Starts when there is something to send and nothing in the way. */
  kick(): void {
    if (!this.isIdle || this.#options.store.size(this.#options.lane).items === 0) return
    this.#running = true
    this.#ended = this.#run()
  }

  /** The link came up: a pause belongs to the earlier session. */
  linkUp(): void {
    this.#linkCameUp = true
    this.#endRest()
    this.goOn()
  }

  /** What was in the way may be gone. */
  goOn(): void {
    this.#isAtCandidate = false
    this.kick()
  }

  /** Resolves when its present message, if any, is seen to. */
  async stopped(): Promise<void> {
    await this.#ended
  }

  /** After the signal: resolves when it has stopped using the store. */
  async stop(): Promise<void> {
    this.#endRest()
    await this.#ended
  }

  #endRest(): void {
    this.#rest?.cancel()
    this.#rest = undefined
  }

  async #run(): Promise<void> {
    const { lane, log } = this.#options
    this.#linkCameUp = false
    let step: Step = 'more'
    try {
      while (step === 'more' && this.#mayRun()) {
        this.#tries++
        step = await this.#step()
      }
    } catch (error) {
      log.limited(`outbox ${lane}`, 'error', 'the outbox cannot use its store', { lane, error })
      step = 'pause'
      await this.#release().catch(() => {})
    }
    this.#running = false
    if (step === 'candidate') this.#isAtCandidate = true
    if (step === 'pause' && !this.#linkCameUp) this.#pause()
    // Something may have been put after the last look.
    else this.kick()
    if (!this.#running) this.#options.onStopped()
  }

  /** One message: read, send, settle. Up to the sending it runs at once, so that the lanes send in the order of their kicks. */
  async #step(): Promise<Step> {
    const { lane, store, requester, signal, writer, candidates } = this.#options
    const maxBytes = this.#bound.maxBytes(this.#options.clock.monotonicMs())
    const read = store.read(lane, { maxItems: this.#maxItems, maxBytes })
    const inFlight = read instanceof Promise ? await read : read
    if (inFlight.length === 0) {
      candidates.laneEmptied(lane)
      return 'empty'
    }
    if (!this.#mayRun()) {
      await this.#release()
      return 'pause'
    }
    const fit = candidates.isIn(lane) ? candidates.before(lane, inFlight) : inFlight
    if (fit.length === 0) {
      await this.#release()
      return 'candidate'
    }
    const message = writer.write(lane, fit, { singleThrough: this.#singleThrough, maxBytes })
    const items = message.groups.flatMap(group => group.items)
    let results: readonly CommandResult[]
    this.#isSending = true
    try {
      results = await requester.send(message.request, { signal })
    } catch (error) {
      return await this.#failed(message, items, asAgentError(error))
    } finally {
      this.#isSending = false
    }
    this.countSent(items)
    this.passed(message)
    return await this.#answered(message, items, results)
  }

  /** The link ended while a message of it was on the wire. */
  ended({ request }: Message): void {
    this.#bound.ended(request.text.length, this.#options.clock.monotonicMs())
  }

  /** The cloud has answered a message of it. */
  passed({ request }: Message): void {
    this.#bound.passed(request.text.length)
  }

  /** Items of it were sent, by it or by others. */
  countSent(items: readonly StoredItem[]): void {
    for (const { sequence } of items) {
      if (sequence <= this.#sentThrough) this.#resent++
      else this.#sentThrough = sequence
    }
  }

  /** No proper answer: the items stay, and the next message is smaller, in case its size was the reason. */
  async #failed(message: Message, items: readonly StoredItem[], error: AgentError): Promise<Step> {
    const { lane, log, signal } = this.#options
    const wasSent = error.code !== 'NOT_CONNECTED'
    if (wasSent) this.countSent(items)
    if (isLinkEnd(error)) {
      this.#options.candidates.linkEnded(lane, items)
      this.ended(message)
    }
    await this.#release()
    if (wasSent) this.#maxItems = Math.max(1, Math.floor(items.length / 2))
    if (!signal.aborted)
      log.limited(`outbox ${lane} ${error.code}`, 'warn', 'a message was not answered; it is sent again', {
        lane,
        items: items.length,
        code: error.code,
        error: error.message,
      })
    return 'pause'
  }

  async #answered(message: Message, items: readonly StoredItem[], results: readonly CommandResult[]): Promise<Step> {
    const { lane, candidates } = this.#options
    const { delivered, refused, isLater, splitThrough } = sortByResult(lane, message, results)
    if (splitThrough !== undefined) this.#singleThrough = splitThrough
    await this.settle({ delivered, refused })
    if (candidates.isSeenIn(lane)) candidates.answered(lane, [...delivered, ...refused.map(({ item }) => item)])
    await this.#release()
    if (isLater) {
      this.#maxItems = Math.max(1, Math.floor(items.length / 2))
      return 'pause'
    }
    this.#pauses = 0
    this.#maxItems = Math.min(limits.maxBatchItems, this.#maxItems * 2)
    return 'more'
  }

  /**
   * Items of the lane are done with.
   *
   * @param isHeldBack they have left the store before
   */
  async settle({ delivered = [], refused = [], setAside = [] }: Settled, isHeldBack = false): Promise<void> {
    const { lane, store, onRefused, onSettled } = this.#options
    const bad = setAside.length === 0 ? refused : [...refused, ...setAside]
    if (delivered.length + bad.length === 0) return
    if (!isHeldBack)
      await store.acknowledge(lane, bad.length === 0 ? delivered : [...delivered, ...bad.map(({ item }) => item)])
    this.#delivered += delivered.length
    this.#refused += refused.length
    this.#setAside += setAside.length
    for (const item of delivered) item.receipt?.settle('delivered')
    for (const { item, error } of bad) {
      item.receipt?.settle(error)
      onRefused(lane, item, error)
    }
    onSettled()
  }

  async #release(): Promise<void> {
    await this.#options.store.release(this.#options.lane)
  }

  #pause(): void {
    if (!this.#mayRun()) return
    const { clock } = this.#options
    const delayMs = backoffMs(pause, this.#pauses++, clock.random())
    this.#rest = clock.timer(delayMs, () => {
      this.#rest = undefined
      this.kick()
    })
  }

  #mayRun(): boolean {
    return this.#options.link.isUp && !this.#options.signal.aborted && !this.#options.isHeld()
  }
}

/** `candidate`: the next item may be poison. */
type Step = 'more' | 'empty' | 'pause' | 'candidate'
