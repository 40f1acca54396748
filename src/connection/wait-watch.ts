import type { Clock, Timer } from '../base/clock.ts'

/** What leads out of the device at a moment, as entries to compare with those of another moment. */
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
 * The kernel tells Node neither of new addresses nor of a clock that was set, so both are looked at, and only while a link
 * waits. Devices look at moments of their own, so that a site whose network comes back does not connect as one.
 */
const lookEveryMs = 5000
/** While the clock is what the link waits for: only a number is read. */
const clockEveryMs = 1000
/** A clock that is slewed moves half a millisecond a second; one that is set jumps. */
const minStepMs = 2000

/** Looks out, while a link waits for its next try, for what makes waiting longer pointless. */
export class WaitWatch {
  readonly #o: WaitWatchOptions
  #known: Promise<ReadonlySet<string> | undefined> = Promise.resolve(undefined)
  #distanceMs = 0
  #timer: Timer | undefined
  /** Which wait a look belongs to: a look takes a moment, and the wait may be over by then. */
  #wait = 0

  constructor(options: WaitWatchOptions) {
    this.#o = options
  }

  /** A try begins: what is there now is what it tries with. */
  remember(): void {
    this.#distanceMs = this.#clockDistanceMs()
    this.#known = this.#look()
  }

  /** The try failed, and the link waits. `clockOnly`: for the clock, as far as is known. */
  start(clockOnly: boolean): void {
    this.stop()
    const wait = this.#wait
    const tick = async () => {
      if (Math.abs(this.#clockDistanceMs() - this.#distanceMs) >= minStepMs) {
        this.#distanceMs = this.#clockDistanceMs()
        this.#o.onClock()
      } else if (!clockOnly) await this.#compare(wait)
      if (wait === this.#wait) arm()
    }
    const arm = () => {
      const everyMs = clockOnly ? clockEveryMs : lookEveryMs
      this.#timer = this.#o.clock.timer(everyMs, () => void tick(), { background: true })
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
    // What went away is forgotten, so that its return is news.
    this.#known = Promise.resolve(found)
    if (known !== undefined && [...found].some(path => !known.has(path))) this.#o.onNetwork()
  }

  async #look(): Promise<ReadonlySet<string> | undefined> {
    try {
      return await this.#o.network?.()
    } catch {
      // A look that fails tells nothing; the link goes on waiting as if nobody looked.
      return undefined
    }
  }

  #clockDistanceMs(): number {
    const { clock } = this.#o
    return clock.now() - clock.monotonicMs()
  }
}
