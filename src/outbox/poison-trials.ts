// SPDX-License-Identifier: Apache-2.0
import type { Timer } from '../base/clock.ts'
import { type AgentError, asAgentError, messageOf } from '../base/errors.ts'
import { sleep } from '../base/wait.ts'
import { diagPing } from '../protocol/commands.ts'
import { encodeRequest } from '../protocol/envelope.ts'
import { limits } from '../protocol/limits.ts'
import type { CommandResult } from '../protocol/reply.ts'
import { type CandidateGroup, quietMs, restBefore, strikeWithinMs } from './candidate-group.ts'
import { sortByResult } from './disposition.ts'
import type { LaneDrain } from './lane-drain.ts'
import { type Lane, lanes } from './lanes.ts'
import { isLinkEnd } from './link-end.ts'
import type { Message } from './message.ts'
import type { SenderParts } from './sender-parts.ts'
import type { StoredItem } from './store.ts'

export interface PoisonTrialsOptions extends SenderParts {
  readonly drains: Readonly<Record<Lane, LaneDrain>>
  /** How many items have left the outbox. */
  readonly settled: () => number
  /** Keeps a poison item where it is not sent from; resolves to the error for its publisher. */
  readonly setAside: (lane: Lane, item: StoredItem) => Promise<AgentError>
}

/** The others have so much time to come to an end; then they are asked to wait. */
const patienceMs = 30_000
/** Held back for longer than this, the oldest is tried before others are found. */
const maxHeld = 16
const pingTimeoutMs = 10_000
/** A cloud that stays silent to a candidate, or asks to slow down, is asked again after this. */
const againMs = 30_000

/** Something to try. */
interface Trial {
  readonly group: CandidateGroup
  /** Absent when it stands in its lane. */
  readonly item?: StoredItem
}

/** The session in which something is tried. */
interface Session {
  /** Whether it carries anything. */
  readonly isProven: boolean
  /** Whether it is still the same, and up. */
  mayGoOn(): boolean
}

/**
 * Sends the candidates: one message at a time, alone on the wire, after all others of the session and after a rest in which the
 * session belongs to them.
 */
export class PoisonTrials {
  readonly #options: PoisonTrialsOptions
  #timer: Timer | undefined
  #upMs: number
  #settledAtUp = 0
  #sessions = 0
  #notBeforeMs = Number.NEGATIVE_INFINITY
  #trying: Promise<void> | undefined
  /** The lanes that wait for the trial: all of them, or the lane of the items that are tried. */
  #holds: 'all' | Lane | undefined
  #isOnWire = false

  constructor(options: PoisonTrialsOptions) {
    this.#options = options
    this.#upMs = options.clock.monotonicMs()
  }

  /** Whether a candidate is on the wire. */
  get isOnWire(): boolean {
    return this.#isOnWire
  }

  isHeld(lane: Lane): boolean {
    return this.#holds !== undefined && (this.#holds === 'all' || this.#holds === lane)
  }

  linkUp(): void {
    this.#sessions++
    this.#upMs = this.#options.clock.monotonicMs()
    this.#settledAtUp = this.#options.settled()
    this.#notBeforeMs = Number.NEGATIVE_INFINITY
    this.consider()
  }

  /** Looks whether something is to be tried now: called when a lane comes to rest. */
  consider(): void {
    const { candidates, clock, drains } = this.#options
    if (candidates.isEmpty || this.#trying !== undefined || !this.#mayTry()) return
    this.#timer?.cancel()
    this.#timer = undefined
    const trial = this.#choose()
    if (trial === undefined) return
    const dueMs = Math.max(this.#notBeforeMs, this.#upMs + restBefore(trial.group))
    const isFree = lanes.every(lane => !drains[lane].isRunning)
    const waitMs = dueMs + (isFree ? 0 : patienceMs) - clock.monotonicMs()
    if (waitMs <= 0) {
      this.#trying = this.#try(trial)
        .catch(error => this.#failed(error))
        .finally(() => this.#tried())
      return
    }
    this.#timer = clock.timer(waitMs, () => {
      this.#timer = undefined
      this.consider()
    })
  }

  /** After the signal: resolves when it has stopped using the store. */
  async stop(): Promise<void> {
    this.#timer?.cancel()
    await this.#trying
  }

  #mayTry(): boolean {
    return this.#options.link.isUp && !this.#options.signal.aborted
  }

  /** What has ended the fewest links, so that the innocent go first; when much is held back, that. */
  #choose(): Trial | undefined {
    const { candidates, drains } = this.#options
    const { held } = candidates
    if (held.length >= maxHeld) return held[0]
    const inLanes = lanes.flatMap(lane => {
      const group = drains[lane].isAtCandidate ? candidates.firstOf(lane) : undefined
      return group === undefined ? [] : [{ group }]
    })
    const all: readonly Trial[] = [...inLanes, ...held]
    return all.reduce<Trial | undefined>(
      (least, one) => (least === undefined || one.group.ends < least.group.ends ? one : least),
      undefined,
    )
  }

  async #try({ group, item }: Trial): Promise<void> {
    const { drains } = this.#options
    this.#holds = 'all'
    const number = this.#sessions
    const mayGoOn = () => this.#mayTry() && this.#sessions === number
    await Promise.all(lanes.map(lane => drains[lane].stopped()))
    if (!mayGoOn()) return
    const isProven = await this.#isProven()
    const session = { isProven, mayGoOn }
    if (item === undefined) await this.#tryHead(group.lane, session)
    else await this.#tryHeld(group, item, session)
  }

  #failed(error: unknown): void {
    const { log, clock } = this.#options
    log.limited('outbox trial', 'error', 'the outbox cannot use its store', { error: messageOf(error) })
    this.#notBeforeMs = clock.monotonicMs() + againMs
  }

  #tried(): void {
    this.#trying = undefined
    this.#holds = undefined
    for (const lane of lanes) this.#options.drains[lane].goOn()
    this.consider()
  }

  /** The first candidates of a lane; they stay in the store until the cloud has answered. */
  async #tryHead(lane: Lane, session: Session): Promise<void> {
    const { store, candidates } = this.#options
    try {
      const inFlight = await store.read(lane, { maxItems: limits.maxBatchItems, maxBytes: limits.maxBatchBytes })
      const found = candidates.atHead(lane, inFlight)
      if (found === undefined) return
      const { message, items } = this.#messageOf(lane, found.items)
      await this.#send(found.group, message, items, session)
    } finally {
      await store.release(lane)
    }
  }

  async #tryHeld(group: CandidateGroup, item: StoredItem, session: Session): Promise<void> {
    const { message, items } = this.#messageOf(group.lane, [item])
    await this.#send(group, message, items, session, item)
  }

  /** A single candidate goes as a command of its own: a refusal is for good then. */
  #messageOf(lane: Lane, items: readonly StoredItem[]): { message: Message; items: readonly StoredItem[] } {
    const singleThrough = items.length === 1 ? Number.POSITIVE_INFINITY : -1
    const message = this.#options.writer.write(lane, items, { singleThrough, maxBytes: limits.maxBatchBytes })
    return { message, items: message.groups.flatMap(group => group.items) }
  }

  /** Whether the session carries anything: something else was acknowledged in it, or the cloud answers a ping. */
  async #isProven(): Promise<boolean> {
    const { requester, settled, signal } = this.#options
    if (settled() > this.#settledAtUp) return true
    try {
      await requester.send(encodeRequest([diagPing()]), { timeoutMs: pingTimeoutMs, signal })
      return true
    } catch (error) {
      return asAgentError(error).code === 'REFUSED_BY_CLOUD'
    }
  }

  async #send(
    group: CandidateGroup,
    message: Message,
    items: readonly StoredItem[],
    { isProven, mayGoOn }: Session,
    held?: StoredItem,
  ): Promise<void> {
    const { requester, clock, signal, drains } = this.#options
    const { lane } = group
    // A link that ends by itself is to do so while nothing is on the wire, and not over what is tried.
    if (group.ends > 0) await sleep(clock, quietMs, signal).catch(() => {})
    if (!mayGoOn()) return
    const sentMs = clock.monotonicMs()
    // After that time the end of the link would not count any more: the others need not wait for it.
    const goOn = clock.timer(strikeWithinMs, () => {
      this.#holds = held === undefined ? lane : undefined
      for (const one of lanes) drains[one].goOn()
    })
    this.#isOnWire = true
    drains[lane].countSent(items)
    try {
      const results = await requester.send(message.request, { signal })
      drains[lane].passed(message)
      await this.#answered(lane, message, results, held)
    } catch (error) {
      const afterMs = clock.monotonicMs() - sentMs
      if (isLinkEnd(error)) {
        drains[lane].ended(message)
        await this.#linkEnded(group, items, { isProven, afterMs }, held)
      } else this.#notBeforeMs = clock.monotonicMs() + againMs
    } finally {
      this.#isOnWire = false
      goOn.cancel()
    }
  }

  async #linkEnded(
    group: CandidateGroup,
    items: readonly StoredItem[],
    how: { readonly isProven: boolean; readonly afterMs: number },
    held: StoredItem | undefined,
  ): Promise<void> {
    const { candidates, store, drains, setAside } = this.#options
    const { lane } = group
    // While it was on the wire, the link took it for the reason of the end; from here on it is not on the wire.
    const { kind } = candidates.trialEnded(group, items, how)
    const [item] = items
    if (item === undefined || kind === 'narrowed') return
    if (kind === 'held back') {
      // It leaves its lane when it is safe elsewhere.
      if (held !== undefined) await candidates.saved()
      else if (await candidates.mayLeave(lane, item)) await store.acknowledge(lane, items)
      return
    }
    const error = await setAside(lane, item)
    candidates.letGo(lane, item)
    await drains[lane].settle({ setAside: [{ item, error }] }, held !== undefined)
  }

  async #answered(
    lane: Lane,
    message: Message,
    results: readonly CommandResult[],
    held: StoredItem | undefined,
  ): Promise<void> {
    const { candidates, drains, clock } = this.#options
    const { delivered, refused, isLater } = sortByResult(lane, message, results)
    if (isLater) this.#notBeforeMs = clock.monotonicMs() + againMs
    if (held === undefined) {
      // What was neither taken nor refused is no candidate any more, and goes the way of all others.
      candidates.answered(
        lane,
        message.groups.flatMap(group => group.items),
      )
    } else if (delivered.length + refused.length > 0) candidates.letGo(lane, held)
    await drains[lane].settle({ delivered, refused }, held !== undefined)
  }
}
