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

export function noCounts(): { -readonly [Name in keyof RequesterCounters]: number } {
  return {
    sent: 0,
    answered: 0,
    refused: 0,
    timedOut: 0,
    linkLost: 0,
    late: 0,
    duplicate: 0,
    unknown: 0,
    malformed: 0,
    oversized: 0,
    probes: 0,
    reconnects: 0,
    pending: 0,
  }
}
