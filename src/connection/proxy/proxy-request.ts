// SPDX-License-Identifier: Apache-2.0
/** What a proxy handshake needs besides its socket. */
export interface ProxyRequest {
  /** `host:port via HTTP proxy host:port`, for messages. */
  readonly place: string
  readonly progress: { step: string }
  readonly timeoutMs: number
  readonly signal: AbortSignal
}
