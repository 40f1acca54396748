// SPDX-License-Identifier: Apache-2.0
import type { TLSSocket } from 'node:tls'
import { earliestSetClockMs } from '../../base/clock.ts'
import { AgentError, type ErrorCode, errnoOf, messageOf } from '../../base/errors.ts'
import { noSubjectName } from './server-identity.ts'
import type { ShownChain } from './shown-chain.ts'
import { alertMeaning, alertOf, tlsReason, wantsCertificate } from './tls-alert.ts'
import { type TlsPolicy, takenBy } from './tls-policy.ts'

/** The certificates that a server is verified with. */
export interface BundleFacts {
  /** Undefined for the embedded ones. */
  readonly path: string | undefined
  readonly certificates: number
}

/** What the TLS layer knows when a handshake fails. */
export interface TlsFacts {
  readonly socket: TLSSocket
  /** The chain that the server presented; undefined when it did not get that far. */
  readonly chain: ShownChain | undefined
  readonly nowMs: number
  readonly policy: TlsPolicy
  readonly bundle: BundleFacts
}

/** A failed TLS handshake as an error. A certificate that is refused for its dates has codes of its own. */
export function tlsFailure(
  place: string,
  error: unknown,
  { socket, chain, nowMs, policy, bundle }: TlsFacts,
): AgentError {
  const deviceTime = new Date(nowMs).toISOString()
  const failure = (code: ErrorCode, text: string, remedy?: string) =>
    new AgentError(code, `${place}: ${text}`, { cause: error, remedy })
  // A string at run time, unlike its type, and set when the certificate was refused.
  const refusedBecause: unknown = socket.authorizationError
  if (typeof refusedBecause !== 'string') {
    const { text, remedy } = handshakeText(error, policy, chain !== undefined)
    return failure('TLS_FAILED', text, remedy)
  }
  switch (refusedBecause) {
    case 'CERT_NOT_YET_VALID':
      return failure(
        'CERTIFICATE_NOT_YET_VALID',
        `the certificate is not valid yet; the clock of this device says ${deviceTime}${neverSet(nowMs)}`,
      )
    case 'CERT_HAS_EXPIRED':
      return failure('CERTIFICATE_EXPIRED', `the certificate has expired; the clock of this device says ${deviceTime}`)
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return failure(
        'CERTIFICATE_REFUSED',
        `the certificate is for another host: ${tlsReason(error)}`,
        'Write a name that the certificate has into the connection file, or have one issued for this host.',
      )
    case noSubjectName:
      return failure(
        'CERTIFICATE_REFUSED',
        `${messageOf(error)}, which ${whoNeedsSan(policy)}`,
        'Have the certificate issued again with that name.',
      )
    default: {
      const { found, remedy } = untrusted(refusedBecause, chain, bundle)
      const why = `${withoutNodeHint(messageOf(error))} (${refusedBecause})${strengthNeeded(error)}`
      return failure('CERTIFICATE_REFUSED', `the certificate is not trusted: ${why}${found}`, remedy)
    }
  }
}

/** Node advises a flag of its own command line, which a single executable does not have. */
function withoutNodeHint(text: string): string {
  return text.replace(/[;,.] (?:if the root CA is installed locally|try running Node).*$/, '')
}

/** A time before this program was built shows that the clock is at fault. */
function neverSet(nowMs: number): string {
  return nowMs < earliestSetClockMs ? ', a time before this program was built: it was not set since the start' : ''
}

/** OpenSSL reports that a key or signature is too weak, but not which would do. */
function strengthNeeded(error: unknown): string {
  return messageOf(error).endsWith('too weak') ? '; a key of RSA needs 2048 bits, a signature SHA-256' : ''
}

function whoNeedsSan(policy: TlsPolicy): string {
  return policy === 'modern'
    ? 'cloud.tls "modern" asks for. Until then "compatible" takes it, if ca_bundle_file names its authority'
    : 'every authority but one of your own in ca_bundle_file writes'
}

const missesIssuer = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_GET_ISSUER_CERT',
])

/** Which certificate is missing, and where, by the chain that the server presented. */
function untrusted(
  because: string,
  chain: ShownChain | undefined,
  bundle: BundleFacts,
): { readonly found: string; readonly remedy?: string } {
  if (chain === undefined) return { found: '' }
  const place = bundle.path ?? 'the certificates of public authorities in this program'
  const holds = `${place}, which holds ${bundle.certificates === 1 ? 'one certificate' : `${bundle.certificates}`}`
  const add =
    bundle.path === undefined
      ? (what: string) => `name a file that holds ${what} in ca_bundle_file`
      : (what: string) => `add ${what} to ${bundle.path}`
  if (because === 'DEPTH_ZERO_SELF_SIGNED_CERT')
    return { found: '', remedy: `If that server is yours, ${add('its certificate')}.` }
  if (because === 'SELF_SIGNED_CERT_IN_CHAIN')
    return {
      found: `; its root "${chain.top}" is not among ${holds}`,
      remedy: `If that authority is yours, ${add(`the certificate of "${chain.top}"`)}; if not, a party on the way intercepts TLS.`,
    }
  if (!missesIssuer.has(because)) return { found: '' }
  const found = `; "${chain.topIssuer}", who issued it, is not among ${holds}`
  if (chain.length > 1) return { found, remedy: `If that authority is yours, ${add(`its root "${chain.topIssuer}"`)}.` }
  return {
    found: `${found}, and the server sends no intermediate certificate`,
    remedy: `Have the server send the intermediate certificate "${chain.topIssuer}" with its own; if that is a root, ${add('it')}.`,
  }
}

/** Errors of a handshake without a common version or suite. Their names differ between versions of OpenSSL. */
const nothingInCommon = /ALERT_(?:HANDSHAKE_FAILURE|PROTOCOL_VERSION|INSUFFICIENT_SECURITY)$|UNSUPPORTED_PROTOCOL$/
/** In TLS 1.2 the only alert for a missing client certificate [RFC 5246 7.4.6]. */
const handshakeFailure = 40

/** @param hasShown whether the server had agreed on a version and suite, and presented its certificate */
function handshakeText(
  error: unknown,
  policy: TlsPolicy,
  hasShown: boolean,
): { readonly text: string; readonly remedy?: string } {
  const reason = tlsReason(error)
  const alert = alertOf(error)
  if (alert === handshakeFailure && hasShown)
    return { text: `${wantsCertificate.text} (${reason})`, remedy: wantsCertificate.remedy }
  if (nothingInCommon.test(errnoOf(error) ?? '')) {
    const compatible = policy === 'modern' ? '; "compatible" would also take CBC suites' : ''
    const text =
      `the server offers nothing that cloud.tls "${policy}" takes (${reason}). Have it offer ${takenBy[policy]}` +
      `${compatible}; "device-cloud check" shows what it offers`
    return { text }
  }
  if (alert === undefined) return { text: `the TLS handshake failed: ${reason}` }
  const { text, remedy } = alertMeaning(alert)
  return { text: `${text} (${reason})`, remedy }
}
