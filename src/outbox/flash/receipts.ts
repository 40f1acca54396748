// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../../base/clock.ts'
import { AgentError } from '../../base/errors.ts'
import { type DeliveryOutcome, DeliveryReceipt } from '../receipt.ts'

const maxRemembered = 1000

/** Sequences from `from` on, before `before`. */
export interface SequenceRange {
  readonly from: number
  readonly before: number
}

/**
 * Receipts of items of one lane that left the memory for flash. A million items must not keep a million receipts, so only those
 * are kept for which a caller waits; the others look up what happened when a caller asks.
 */
export class FlashReceipts {
  readonly #clock: Clock
  /** Waited for; their items are on flash alone. */
  readonly #watched = new Map<number, DeliveryReceipt>()
  /** Of items that were read back and are not settled yet. */
  readonly #inMemory = new Map<number, Set<DeliveryReceipt>>()
  /** Outcomes other than delivered, the latest of them. */
  readonly #bad = new Map<number, AgentError>()
  /** What went with damaged files, the latest of it. */
  readonly #lost: SequenceRange[] = []
  #forgottenThrough = -1
  #ended = false
  readonly #isOnFlash: (sequence: number) => boolean

  /** @param isOnFlash whether the item of a sequence waits on flash alone */
  constructor(clock: Clock, isOnFlash: (sequence: number) => boolean) {
    this.#clock = clock
    this.#isOnFlash = isOnFlash
  }

  /** The item of `sequence` leaves the memory. */
  leave(sequence: number, receipt: DeliveryReceipt): void {
    if (receipt.isWatched) this.#watched.set(sequence, receipt)
    else receipt.detach(() => this.#ask(sequence, receipt))
  }

  /** The item of `sequence` was read back; answers the receipt to settle. */
  enter(sequence: number): DeliveryReceipt {
    const receivers = new Set<DeliveryReceipt>()
    const watched = this.#watched.get(sequence)
    if (watched !== undefined) receivers.add(watched)
    this.#watched.delete(sequence)
    this.#inMemory.set(sequence, receivers)
    return new RelayedReceipt(this.#clock, outcome => this.#settled(sequence, outcome))
  }

  /** What is in `range` will never be read again: gone with a damaged file. */
  lost(range: SequenceRange): void {
    for (const [waiting, receipt] of this.#watched) {
      if (waiting < range.from || waiting >= range.before) continue
      this.#watched.delete(waiting)
      receipt.settle(lostError())
    }
    this.#lost.push(range)
    if (this.#lost.length > maxRemembered) this.#forgetThrough((this.#lost.shift()?.before ?? 0) - 1)
  }

  /** Ends: all that are waited for. A caller that asks later learns that the outbox is closed. */
  takeAll(): readonly DeliveryReceipt[] {
    this.#ended = true
    const all = [...this.#watched.values(), ...[...this.#inMemory.values()].flatMap(receivers => [...receivers])]
    this.#watched.clear()
    this.#inMemory.clear()
    return all
  }

  #ask(sequence: number, receipt: DeliveryReceipt): DeliveryOutcome | undefined {
    const receivers = this.#inMemory.get(sequence)
    if (receivers !== undefined) {
      receivers.add(receipt)
      return undefined
    }
    if (this.#isOnFlash(sequence)) {
      if (this.#ended) return new AgentError('CLOSED', 'The outbox is closed.')
      this.#watched.set(sequence, receipt)
      return undefined
    }
    if (sequence <= this.#forgottenThrough)
      return new AgentError('OUTBOX_FULL', 'The outbox no longer knows what became of this item.')
    if (this.#lost.some(range => sequence >= range.from && sequence < range.before)) return lostError()
    return this.#bad.get(sequence) ?? 'delivered'
  }

  #settled(sequence: number, outcome: DeliveryOutcome): void {
    const receivers = this.#inMemory.get(sequence)
    this.#inMemory.delete(sequence)
    if (outcome !== 'delivered') this.#remember(sequence, outcome)
    for (const receiver of receivers ?? []) receiver.settle(outcome)
  }

  #remember(sequence: number, error: AgentError): void {
    this.#bad.set(sequence, error)
    for (const oldest of this.#bad.keys()) {
      if (this.#bad.size <= maxRemembered) break
      this.#bad.delete(oldest)
      this.#forgetThrough(oldest)
    }
  }

  #forgetThrough(sequence: number): void {
    this.#forgottenThrough = Math.max(this.#forgottenThrough, sequence)
  }
}

const lostError = () => new AgentError('FILE_ACCESS', 'The item was lost with a damaged file of the outbox.')

/** Hands the outcome on to the receipts for which callers wait by then. */
class RelayedReceipt extends DeliveryReceipt {
  readonly #onOutcome: (outcome: DeliveryOutcome) => void

  constructor(clock: Clock, onOutcome: (outcome: DeliveryOutcome) => void) {
    super(clock)
    this.#onOutcome = onOutcome
  }

  override settle(outcome: DeliveryOutcome): void {
    super.settle(outcome)
    this.#onOutcome(outcome)
  }
}
