// SPDX-License-Identifier: Apache-2.0
import type { JsonObject } from '../base/json.ts'
import type { Log } from '../base/log.ts'
import type { RequestEnd } from './request-memory.ts'

/** What the requester has seen since it was made; counts of messages. */
export interface RequesterCounters {
  readonly sent: number
  /** Requests that got a proper reply, be it a refusal. */
  readonly answered: number
  /** Of these, requests that were refused as a whole. */
  readonly refused: number
  readonly timedOut: number
  /** Requests that were waiting when the link went down. */
  readonly linkLost: number
  /** Replies to requests that had timed out or were given up. */
  readonly late: number
  /** Second replies. */
  readonly duplicate: number
  /** Messages on unknown topics, and replies to requests that were never made. */
  readonly unknown: number
  readonly malformed: number
  readonly oversized: number
  /** Probes of a link that had gone silent. */
  readonly probes: number
  /** Sessions dropped because the probe stayed unanswered. */
  readonly reconnects: number
  /** Requests waiting now. */
  readonly pending: number
}

/** Counts what arrives and does not fit, and logs it once per kind and minute. */
export class OddReplies {
  readonly #log: Log
  readonly #counts = { late: 0, duplicate: 0, unknown: 0, malformed: 0, oversized: 0 }

  constructor(log: Log) {
    this.#log = log
  }

  get counts(): Pick<RequesterCounters, 'late' | 'duplicate' | 'unknown' | 'malformed' | 'oversized'> {
    return this.#counts
  }

  note(kind: keyof OddReplies['counts'], message: string, facts: JsonObject): void {
    this.#counts[kind]++
    this.#log.limited(`reply ${kind} ${message}`, 'warn', message, facts)
  }

  /** A reply for which no request waits; `ended` is how its request ended, if there was one. */
  unexpected(suffix: string, ended: RequestEnd | undefined): void {
    const facts = { suffix: brief(suffix) }
    if (ended === 'answered') this.note('duplicate', 'ignored a second reply to the same request', facts)
    else if (ended !== undefined) this.note('late', 'a reply came too late', facts)
    else this.note('unknown', 'ignored a reply to a request that was not made', facts)
  }

  unknownTopic(topic: string): void {
    this.note('unknown', 'ignored a message on a topic that the agent does not know', { topic: brief(topic) })
  }
}

/** Names from outside are cut before they reach a log. */
function brief(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
