// SPDX-License-Identifier: Apache-2.0
import type { ClientStatus } from '../../client/client.ts'

/** Signs of the work of a manager: counts that grow with it, and whether there is work at all. */
export interface ProgressSigns {
  /** Grows with every change of the state of the link, and while it is up with each packet of the cloud. */
  readonly linkMoves: number
  readonly isUp: boolean
  /** Requests that ended, with any result: the mailbox alone makes one every 20 minutes. */
  readonly requestsEnded: number
  /** The mailbox asks for nothing more until some of its calls are answered. */
  readonly mailboxFull: boolean
  readonly samplesWaiting: number
  /** How often the queue tried to send, also in vain: a cloud or a disk that refuses is no stall. */
  readonly queueTries: number
}

/** A part of the manager that makes no progress, and for how long. */
export interface Stall {
  readonly part: Part
  readonly forMs: number
}

type Part = 'event loop' | 'link' | 'requests' | 'queue'

const minute = 60_000

/**
 * How long each part may make no progress. The link: its longest wait between two tries is 5 minutes, a try takes one, and while
 * it is up a ping is answered every minute. Requests and queue: the slow check of the mailbox comes every 20 minutes, and
 * no pause between two tries is longer than 5.
 */
export const maxStallMs: Readonly<Record<Part, number>> = {
  'event loop': 10 * minute,
  link: 10 * minute,
  requests: 45 * minute,
  queue: 45 * minute,
}
/** A look that is later than this was delayed by the event loop. */
export const maxLagMs = 30_000

/**
 * Whether a manager makes progress: a process that lives and timers that fire prove little. Pure: the owner looks at intervals
 * and hands in the signs. A device without a link makes progress for as long as it tries to connect.
 */
export class Progress {
  readonly #everyMs: number
  readonly #stillMs: Record<Part, number> = { 'event loop': 0, link: 0, requests: 0, queue: 0 }
  #before: ProgressSigns | undefined
  #lookedMs: number

  /**
   * @param everyMs how often the owner looks
   * @param nowMs monotonic
   */
  constructor(everyMs: number, nowMs: number) {
    this.#everyMs = everyMs
    this.#lookedMs = nowMs
  }

  /**
   * The part that is stalled; undefined when none is.
   *
   * @param signs undefined while the manager starts or ends: then only the event loop is watched
   */
  look(nowMs: number, signs: ProgressSigns | undefined): Stall | undefined {
    const passedMs = nowMs - this.#lookedMs
    this.#lookedMs = nowMs
    // A stopped process or a sleeping machine makes no progress without fault: such a time hardly counts.
    const countedMs = Math.min(passedMs, 2 * this.#everyMs)
    const moved = this.#moved(passedMs, signs)
    this.#before = signs
    for (const part of parts) this.#stillMs[part] = moved[part] ? 0 : this.#stillMs[part] + countedMs
    const part = parts.find(one => this.#stillMs[one] >= maxStallMs[one])
    return part === undefined ? undefined : { part, forMs: this.#stillMs[part] }
  }

  #moved(passedMs: number, now: ProgressSigns | undefined): Readonly<Record<Part, boolean>> {
    const before = this.#before
    const loop = passedMs <= this.#everyMs + maxLagMs
    if (now === undefined || before === undefined)
      return { 'event loop': loop, link: true, requests: true, queue: true }
    // A session that came up in between has its full time.
    const isSameSession = now.isUp && before.isUp
    return {
      'event loop': loop,
      link: now.linkMoves !== before.linkMoves,
      requests: !isSameSession || now.mailboxFull || now.requestsEnded !== before.requestsEnded,
      queue: !isSameSession || now.samplesWaiting === 0 || now.queueTries !== before.queueTries,
    }
  }
}

const parts = Object.keys(maxStallMs) as Part[]

/** The signs for {@link Progress} in the status of a client; undefined before the client is open. */
export function progressSigns({ link, requests, mailbox, outbox }: ClientStatus): ProgressSigns | undefined {
  if (link === undefined || requests === undefined || mailbox === undefined || outbox === undefined) return undefined
  return {
    linkMoves: link.moves,
    isUp: link.state === 'up',
    requestsEnded: requests.answered + requests.timedOut + requests.malformed + requests.oversized + requests.linkLost,
    mailboxFull: mailbox.full,
    samplesWaiting: outbox.waiting,
    queueTries: Object.values(outbox.lanes).reduce((sum, { tries }) => sum + tries, 0),
  }
}
