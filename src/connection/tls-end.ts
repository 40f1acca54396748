import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { AgentError } from '../base/errors.ts'
import { alertMeaning, alertOf, tlsReason, wantsCertificate } from './tls-alert.ts'

/** Open sockets of TLS 1.3 whose server has not shown yet that it takes this side. */
const unconfirmed = new WeakSet<Duplex>()

/**
 * In TLS 1.3 a client is done before the server has judged it [RFC 8446 2]: a refusal comes after the handshake, and can get
 * lost when the server closes on what it did not read. A server that takes its client sends it a ticket at once.
 */
export function watchConfirmation(secured: TLSSocket): void {
  if (secured.getProtocol() !== 'TLSv1.3') return
  unconfirmed.add(secured)
  secured.once('session', () => unconfirmed.delete(secured))
}

/** The alert with which the other side ended TLS, as an error; undefined when it was something else. The connection may know more than `error`. */
export function alertEnd(place: string, socket: Duplex, error?: unknown): AgentError | undefined {
  const cause: unknown = [error, socket.errored].find(one => alertOf(one) !== undefined)
  const alert = alertOf(cause)
  if (alert === undefined) return undefined
  const { text, remedy } = alertMeaning(alert)
  return new AgentError('TLS_FAILED', `${place}: ${text} (${tlsReason(cause)})`, { cause, remedy })
}

/**
 * Why a connection ended before its server said anything, when it was TLS that ended it: an alert, or the end of a connection
 * that the server never confirmed, for callers that send little before they listen. Undefined when it was something else.
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
