import type { Clock } from '../../base/clock.ts'
import { AgentError } from '../../base/errors.ts'
import { DeliveryReceipt, type Outcome } from '../receipt.ts'

const mostRemembered = 1000

/**
 * Receipts of items that left the memory for flash. A million items must not keep a million receipts, so only those that
 * somebody waits for are kept; the others are told what happened when they ask.
 */
export class FlashReceipts {
  readonly #clock: Clock
  /** Waited for; their items are on flash alone. */
  readonly #watched = new Map<number, DeliveryReceipt>()
  /** Of items that were read back and are not settled yet. */
  readonly #inMemory = new Map<number, Set<DeliveryReceipt>>()
  /** Outcomes other than delivered, the latest of them. */
  readonly #bad = new Map<number, AgentError>()
  #forgottenThrough = -1

  constructor(clock: Clock) {
    this.#clock = clock
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

  /** `sequence` and all before it that are not in memory will never be read again: gone with a damaged file. */
  lost(sequence: number, error: AgentError): void {
    for (const [waiting, receipt] of this.#watched) {
      if (waiting > sequence) continue
      this.#watched.delete(waiting)
      receipt.settle(error)
    }
  }

  /** Ends: all that are waited for. */
  takeAll(): readonly DeliveryReceipt[] {
    const all = [...this.#watched.values(), ...[...this.#inMemory.values()].flatMap(receivers => [...receivers])]
    this.#watched.clear()
    this.#inMemory.clear()
    return all
  }

  /** Set by the owner: whether the item of a sequence still waits on flash. */
  isOnFlash: (sequence: number) => boolean = () => false

  #ask(sequence: number, receipt: DeliveryReceipt): Outcome | undefined {
    const receivers = this.#inMemory.get(sequence)
    if (receivers !== undefined) {
      receivers.add(receipt)
      return undefined
    }
    if (this.isOnFlash(sequence)) {
      this.#watched.set(sequence, receipt)
      return undefined
    }
    if (sequence <= this.#forgottenThrough)
      return new AgentError('OUTBOX_FULL', 'The outbox no longer knows what became of this item.')
    return this.#bad.get(sequence) ?? 'delivered'
  }

  #settled(sequence: number, outcome: Outcome): void {
    const receivers = this.#inMemory.get(sequence)
    this.#inMemory.delete(sequence)
    if (outcome !== 'delivered') this.#remember(sequence, outcome)
    for (const receiver of receivers ?? []) receiver.settle(outcome)
  }

  #remember(sequence: number, error: AgentError): void {
    this.#bad.set(sequence, error)
    for (const oldest of this.#bad.keys()) {
      if (this.#bad.size <= mostRemembered) break
      this.#bad.delete(oldest)
      this.#forgottenThrough = Math.max(this.#forgottenThrough, oldest)
    }
  }
}

/** Hands the outcome on to whoever is known to care by then. */
class RelayedReceipt extends DeliveryReceipt {
  readonly #onOutcome: (outcome: Outcome) => void

  constructor(clock: Clock, onOutcome: (outcome: Outcome) => void) {
    super(clock)
    this.#onOutcome = onOutcome
  }

  override settle(outcome: Outcome): void {
    super.settle(outcome)
    this.#onOutcome(outcome)
  }
}
