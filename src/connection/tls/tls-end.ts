// SPDX-License-Identifier: Apache-2.0
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { AgentError } from '../../base/errors.ts'
import { alertMeaning, alertOf, tlsReason, wantsCertificate } from './tls-alert.ts'

/** Open TLS 1.3 sockets whose server has not shown yet that it accepts this client. */
const unconfirmed = new WeakSet<Duplex>()

/**
 * In TLS 1.3 a client finishes the handshake before the server has accepted it [RFC 8446 2]: a refusal comes afterwards, and is
 * lost when the server closes a connection with unread data. A server that accepts its client sends a session ticket at once.
 */
export function watchConfirmation(secured: TLSSocket): void {
  if (secured.getProtocol() !== 'TLSv1.3') return
  unconfirmed.add(secured)
  secured.once('session', () => unconfirmed.delete(secured))
}

/** The alert by which the other side ended TLS, as an error; undefined for any other end. The socket may know more than `error`. */
export function alertEnd(place: string, socket: Duplex, error?: unknown): AgentError | undefined {
  const cause: unknown = [error, socket.errored].find(one => alertOf(one) !== undefined)
  const alert = alertOf(cause)
  if (alert === undefined) return undefined
  const { text, remedy } = alertMeaning(alert)
  return new AgentError('TLS_FAILED', `${place}: ${text} (${tlsReason(cause)})`, { cause, remedy })
}

/**
 * The error for a connection that TLS ended before the server sent anything: an alert, or the end of a connection that the server
 * never confirmed, for callers that send little before they listen. Undefined for any other end.
 */
export function endOfTls(place: string, socket: Duplex, error?: unknown): AgentError | undefined {
  const alert = alertEnd(place, socket, error)
  if (alert !== undefined || !unconfirmed.has(socket)) return alert
  const text =
    'the server ended the connection right behind the TLS handshake, as one does that asks for a certificate of this device'
  return new AgentError('TLS_FAILED', `${place}: ${text}`, {
    cause: error ?? socket.errored,
    remedy: wantsCertificate.remedy,
  })
}
