// SPDX-License-Identifier: Apache-2.0
import type { Clock, Timer } from '../base/clock.ts'

/** Lists the ways out of the device (addresses, routes), as entries to compare with those of another moment. */
export type NetworkLook = () => Promise<ReadonlySet<string>>

export interface WaitWatchOptions {
  readonly clock: Clock
  /** Absent: the network is not watched. */
  readonly network?: NetworkLook | undefined
  /** An address or a route appeared. */
  readonly onNetwork: () => void
  /** The wall clock was set. */
  readonly onClock: () => void
}

/**
 * Node gets no notification of new addresses or of a clock that was set, so both are polled, and only while a link waits. Devices
 * poll at different moments, so that a site whose network comes back does not reconnect in step.
 */
const lookEveryMs = 5000
/** While the link waits for the clock: reading it is cheap. */
const clockEveryMs = 1000
/** A clock that is slewed moves half a millisecond a second; one that is set jumps. */
const minStepMs = 2000

/** While a link waits for its next attempt, watches for events that make a longer wait pointless. */
export class WaitWatch {
  readonly #options: WaitWatchOptions
  #known: Promise<ReadonlySet<string> | undefined> = Promise.resolve(undefined)
  #distanceMs = 0
  #timer: Timer | undefined
  /** The number of the current wait: a look takes a moment, and its wait may be over by then. */
  #wait = 0

  constructor(options: WaitWatchOptions) {
    this.#options = options
  }

  /** An attempt begins: it uses the addresses and routes of this moment. */
  remember(): void {
    this.#distanceMs = this.#clockDistanceMs()
    this.#known = this.#look()
  }

  /** The attempt failed, and the link waits. `clockOnly`: only a change of the clock can help. */
  start(clockOnly: boolean): void {
    this.stop()
    const wait = this.#wait
    const tick = async () => {
      if (Math.abs(this.#clockDistanceMs() - this.#distanceMs) >= minStepMs) {
        this.#distanceMs = this.#clockDistanceMs()
        this.#options.onClock()
      } else if (!clockOnly) await this.#compare(wait)
      if (wait === this.#wait) arm()
    }
    const arm = () => {
      const everyMs = clockOnly ? clockEveryMs : lookEveryMs
      this.#timer = this.#options.clock.timer(everyMs, () => void tick(), { background: true })
    }
    arm()
  }

  stop(): void {
    this.#wait++
    this.#timer?.cancel()
    this.#timer = undefined
  }

  async #compare(wait: number): Promise<void> {
    const known = await this.#known
    const found = await this.#look()
    if (wait !== this.#wait || found === undefined) return
    // What went away is forgotten, so that its return counts as new.
    this.#known = Promise.resolve(found)
    if (known !== undefined && [...found].some(path => !known.has(path))) this.#options.onNetwork()
  }

  async #look(): Promise<ReadonlySet<string> | undefined> {
    try {
      return await this.#options.network?.()
    } catch {
      // A failed look means nothing; the link goes on waiting.
      return undefined
    }
  }

  #clockDistanceMs(): number {
    const { clock } = this.#options
    return clock.now() - clock.monotonicMs()
  }
}
