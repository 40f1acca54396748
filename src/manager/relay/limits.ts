// SPDX-License-Identifier: Apache-2.0
/** Limits of one relay session. The limits that an owner sets are in {@link RelayLimits}. */
export const relayLimits = {
  /** Bytes that wait for one local connection before the WebSocket is no longer read. */
  localQueueBytes: 256 * 1024,
  /** Bytes on their way to the relay before local connections are no longer read, and where they are read again. */
  unsentBytes: 256 * 1024,
  unsentLowBytes: 64 * 1024,
  /** Largest message that is accepted from the relay. */
  messageBytes: 1024 * 1024,
  /** Most bytes of a local service in one message, as the C agent sends; that the cloud takes larger ones is not known [TR50 6.3]. */
  frameBytes: 10_240,
} as const

/** Times of a relay session, in milliseconds. */
export const relayTimes = {
  /** For name, proxy, TLS and upgrade together: the operator waits for the answer [TR50 6.5 rule 11]. */
  openMs: 10_000,
  /** For a local connection. */
  dialMs: 10_000,
  /** For the probe whether the service listens, before the session opens [TR50 6.1]. */
  probeMs: 2_000,
  /** How long a local connection may take for its last bytes and its end when the cloud has disconnected. */
  lingerMs: 10_000,
  /** As {@link relayTimes.stallMs}, for a channel whose local connection is still being made. */
  dialHoldMs: 1_000,
  /** A channel that takes no byte for so long is dropped when it stalls the others. */
  stallMs: 30_000,
  /** Between two pings. */
  pingMs: 30_000,
  /** Silence in spite of pings after which the relay counts as lost. */
  silenceMs: 90_000,
  /** How long the end of a session may take for its last bytes and the close of the WebSocket. */
  closeMs: 30_000,
} as const

/** The limits that an owner sets: `remote_access.*` of the connection file. */
export interface RelayLimits {
  readonly maxSessions: number
  /** Local connections of one session at a time. */
  readonly maxChannels: number
  /** Without a byte of data in either direction; 0 = none. */
  readonly idleTimeoutS: number
  /** From start to end of a session; 0 = none. */
  readonly maxDurationS: number
}
