import type { ClientStatus } from '../../client/client.ts'

/** What a running manager shows of its work: counts that grow with it, and whether there is work at all. */
export interface ProgressSigns {
  /** Grows with every change of the link's state, and while it is up with everything that comes from the cloud. */
  readonly linkMoves: number
  readonly isUp: boolean
  /** Requests that ended, whichever way: the mailbox alone asks every 20 minutes. */
  readonly requestsEnded: number
  /** The mailbox asks for nothing more until some of its calls are answered. */
  readonly mailboxFull: boolean
  readonly samplesWaiting: number
  /** How often the queue set about sending, be it in vain: a cloud or a disk that refuses is no standstill. */
  readonly queueTries: number
}

/** A part of the manager that stands still, and for how long it was seen to. */
export interface Standstill {
  readonly part: Part
  readonly forMs: number
}

type Part = 'event loop' | 'link' | 'requests' | 'queue'

const minute = 60_000

/**
 * How long each part may stand still. The link: its longest wait between two tries is 5 minutes, a try takes one, and while
 * it is up a ping is answered every minute. Requests and queue: the slow check of the mailbox comes every 20 minutes, and
 * no pause between two tries is longer than 5.
 */
export const longestStandstillMs: Readonly<Record<Part, number>> = {
  'event loop': 10 * minute,
  link: 10 * minute,
  requests: 45 * minute,
  queue: 45 * minute,
}
/** A look that comes later than this was held up by the event loop. */
export const maxLagMs = 30_000

/**
 * Whether a manager still gets on: that its process lives and its timers fire proves little. Pure: the owner looks every so
 * often and hands in what it sees. A device without a link gets on as long as it goes on trying.
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
   * The part that has stood still for too long.
   *
   * @param signs absent while the manager starts or ends: then only the event loop is judged
   */
  look(nowMs: number, signs: ProgressSigns | undefined): Standstill | undefined {
    const passedMs = nowMs - this.#lookedMs
    this.#lookedMs = nowMs
    // A process that was stopped or a machine that slept made no progress and is not to blame: such a time hardly counts.
    const countedMs = Math.min(passedMs, 2 * this.#everyMs)
    const moved = this.#moved(passedMs, signs)
    this.#before = signs
    for (const part of parts) this.#stillMs[part] = moved[part] ? 0 : this.#stillMs[part] + countedMs
    const part = parts.find(one => this.#stillMs[one] >= longestStandstillMs[one])
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

const parts = Object.keys(longestStandstillMs) as Part[]

/** What {@link Progress} judges, from what a client says of itself; undefined before it has anything to say. */
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
