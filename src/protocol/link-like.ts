import type { AgentError } from '../base/errors.ts'

/** What the protocol needs of a link to the cloud. */
export interface LinkLike {
  readonly isUp: boolean
  /** Resolves when the message is out (QoS 1: acknowledged by the server); rejects `NOT_CONNECTED` or `LINK_LOST`. */
  publish(topic: string, payload: string | Uint8Array, qos: 0 | 1): Promise<void>
  /** Drops the session and connects again. */
  reconnect(reason: AgentError): void
  on(event: 'up', listener: () => void): () => void
  on(event: 'down', listener: (error: AgentError) => void): () => void
  on(event: 'message', listener: (topic: string, payload: Uint8Array) => void): () => void
  /** A part of the content of a message that is too large; its `message` follows without content. */
  on(event: 'piece', listener: (topic: string, piece: Uint8Array) => void): () => void
}
