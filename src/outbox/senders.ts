// SPDX-License-Identifier: Apache-2.0
import type { AgentError } from '../base/errors.ts'
import type { OnWire } from '../connection/reconnect.ts'
import { LaneDrain } from './lane-drain.ts'
import { type Lane, lanes, perLane } from './lanes.ts'
import { MessageWriter } from './message.ts'
import { PoisonTrials } from './poison-trials.ts'
import type { SenderParts } from './sender-parts.ts'
import type { StoredItem } from './store.ts'

interface SendersParts extends Omit<SenderParts, 'writer'> {
  readonly thingKey: string
  /** The distance of the wall clock to the monotonic one; undefined while the wall clock is not set. */
  readonly rightOffsetMs: () => number | undefined
  readonly onRefused: (lane: Lane, item: StoredItem, error: AgentError) => void
  readonly onSettled: () => void
  /** Keeps a poison item where it is not sent from; resolves to the error for its publisher. */
  readonly setAside: (lane: Lane, item: StoredItem) => Promise<AgentError>
}

/** All that sends: a drain for each lane, and the trials of the items that may be poison. */
export class Senders {
  readonly #drains: Readonly<Record<Lane, LaneDrain>>
  readonly #trials: PoisonTrials
  #isWaking = false

  constructor(parts: SendersParts) {
    const { thingKey, rightOffsetMs, onRefused, onSettled, setAside, ...shared } = parts
    const common = {
      ...shared,
      writer: new MessageWriter(thingKey, rightOffsetMs),
      onRefused,
      onSettled,
      onStopped: () => this.#trials.consider(),
    }
    this.#drains = perLane(lane => new LaneDrain({ ...common, lane, isHeld: () => this.#trials.isHeld(lane) }))
    this.#trials = new PoisonTrials({ ...common, drains: this.#drains, settled: () => this.settledItems, setAside })
  }

  /** What is on the wire. */
  get onWire(): OnWire {
    if (this.#trials.isOnWire) return 'candidate'
    return lanes.some(lane => this.#drains[lane].isSending) ? 'items' : 'nothing'
  }

  /** How many items have left the outbox. */
  get settledItems(): number {
    return lanes.reduce((sum, lane) => {
      const { delivered, refused, setAside } = this.#drains[lane].counts
      return sum + delivered + refused + setAside
    }, 0)
  }

  countsOf(lane: Lane): LaneDrain['counts'] {
    return this.#drains[lane].counts
  }

  /** Lets what is put in the same turn gather, then starts the lanes, the most important first. */
  wake(lane: Lane): void {
    if (this.#isWaking || !this.#drains[lane].isIdle) return
    this.#isWaking = true
    queueMicrotask(() => {
      this.#isWaking = false
      for (const each of lanes) this.#drains[each].kick()
    })
  }

  linkUp(): void {
    for (const lane of lanes) this.#drains[lane].linkUp()
    this.#trials.linkUp()
  }

  /** After the signal: resolves when nothing uses the store any more. */
  async stop(): Promise<void> {
    await this.#trials.stop()
    await Promise.all(lanes.map(lane => this.#drains[lane].stop()))
  }
}
