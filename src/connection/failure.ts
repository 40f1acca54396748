import { earliestSetClockMs } from '../base/clock.ts'
import { AgentError, type ErrorCode, errnoOf, messageOf } from '../base/errors.ts'
import { noSubjectName } from './server-identity.ts'
import { type TlsPolicy, takenBy } from './tls-policy.ts'

const noRoute = new Set(['ENETUNREACH', 'EHOSTUNREACH', 'ENETDOWN', 'EHOSTDOWN', 'EADDRNOTAVAIL', 'EAFNOSUPPORT'])

const words: Readonly<Record<string, string>> = {
  ENOTFOUND: 'the name has no address',
  EAI_AGAIN: 'the name server does not answer',
  EAI_FAIL: 'the name server answers that it cannot tell',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was reset',
  ECONNABORTED: 'the connection was aborted',
  EPIPE: 'the connection was closed by the other side',
  ETIMEDOUT: 'no answer',
  ENETUNREACH: 'network unreachable',
  EHOSTUNREACH: 'no route to the host',
  ENETDOWN: 'the network is down',
  EHOSTDOWN: 'the host is down',
  EADDRNOTAVAIL: 'no local address for that network',
  EACCES: 'not permitted (a firewall rule of this device?)',
  EPERM: 'not permitted (a firewall rule of this device?)',
}

/** Why a system call on a socket failed, in words. */
export function reasonOf(error: unknown): string {
  const told = tellingError(error)
  const errno = errnoOf(told)
  const text = errno === undefined ? undefined : words[errno]
  return text === undefined ? messageOf(told) : `${text} (${errno})`
}

/** A failure to reach `place` (before any TLS) as an error with the matching code. */
export function tcpFailure(place: string, error: unknown): AgentError {
  return new AgentError(tcpCode(error), `${place}: ${reasonOf(error)}`, { cause: error })
}

function tcpCode(error: unknown): ErrorCode {
  const told = tellingError(error)
  const errno = errnoOf(told) ?? ''
  if (errno.startsWith('EAI_') || errno === 'ENOTFOUND') return 'NAME_NOT_RESOLVED'
  if (noRoute.has(errno)) return 'NETWORK_UNREACHABLE'
  return 'TCP_FAILED'
}

/** Of several failed addresses, the one that says most: "refused" by a host that is there beats "no route" of the other family. */
function tellingError(error: unknown): unknown {
  if (!(error instanceof AggregateError)) return error
  const errors: readonly unknown[] = error.errors
  return errors.find(one => !noRoute.has(errnoOf(one) ?? '')) ?? errors[0] ?? error
}

/** What the TLS layer knows when a handshake fails. */
export interface TlsFacts {
  /** Set when the certificate was the reason. */
  readonly refusedBecause?: string
  readonly nowMs: number
  readonly policy: TlsPolicy
}

/** A failed TLS handshake as an error with the matching code; a certificate that is refused for time is told apart. */
export function tlsFailure(place: string, error: unknown, facts: TlsFacts): AgentError {
  const deviceTime = new Date(facts.nowMs).toISOString()
  const failure = (code: ErrorCode, text: string) => new AgentError(code, `${place}: ${text}`, { cause: error })
  switch (facts.refusedBecause) {
    case undefined:
      return failure('TLS_FAILED', handshakeText(error, facts.policy))
    case 'CERT_NOT_YET_VALID':
      return failure(
        'CERTIFICATE_NOT_YET_VALID',
        `the certificate is not valid yet; the clock of this device says ${deviceTime}${neverSet(facts.nowMs)}`,
      )
    case 'CERT_HAS_EXPIRED':
      return failure('CERTIFICATE_EXPIRED', `the certificate has expired; the clock of this device says ${deviceTime}`)
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return failure('CERTIFICATE_REFUSED', `the certificate is for another host: ${plainReason(error)}`)
    case noSubjectName:
      return failure('CERTIFICATE_REFUSED', `${messageOf(error)}, which ${whoNeedsSan(facts.policy)}`)
    default:
      return failure(
        'CERTIFICATE_REFUSED',
        `the certificate is not trusted: ${withoutNodeHint(messageOf(error))} (${facts.refusedBecause})${strengthNeeded(error)}`,
      )
  }
}

/** Node advises a flag of its own command line, which a single executable has not. */
function withoutNodeHint(text: string): string {
  return text.replace(/; if the root CA is installed locally.*$/, '')
}

/** A time before this program was made tells whose fault it is. */
function neverSet(nowMs: number): string {
  return nowMs < earliestSetClockMs ? ', a time before this program was built: it was not set since the start' : ''
}

/** OpenSSL says that a key or signature is too weak, and not what would do. */
function strengthNeeded(error: unknown): string {
  return messageOf(error).endsWith('too weak') ? '; a key of RSA needs 2048 bits, a signature SHA-256' : ''
}

function whoNeedsSan(policy: TlsPolicy): string {
  return policy === 'modern'
    ? 'cloud.tls "modern" asks for. Until then "compatible" takes it, if ca_bundle_file names its authority'
    : 'every authority but one of your own in ca_bundle_file writes'
}

/** What the two sides say when they find nothing in common. The names of the versions of OpenSSL differ. */
const nothingInCommon = /ALERT_(?:HANDSHAKE_FAILURE|PROTOCOL_VERSION|INSUFFICIENT_SECURITY)$|UNSUPPORTED_PROTOCOL$/

function handshakeText(error: unknown, policy: TlsPolicy): string {
  const reason = plainReason(error)
  const code = errnoOf(error) ?? ''
  if (!nothingInCommon.test(code)) return `the TLS handshake failed: ${reason}`
  const compatible = policy === 'modern' ? '; "compatible" would also take CBC suites' : ''
  return (
    `the server offers nothing that cloud.tls "${policy}" takes (${reason}). Have it offer ${takenBy[policy]}` +
    `${compatible}; "device-cloud check" shows what it offers`
  )
}

/** OpenSSL packs its reason between colons: `4057:error:0A00042E:SSL routines:ssl3_read_bytes:tlsv1 alert protocol version:...`. */
function plainReason(error: unknown): string {
  if (error instanceof Error && 'reason' in error && typeof error.reason === 'string') return error.reason
  if (errnoOf(error) === 'ECONNRESET') return 'the server closed the connection'
  return messageOf(error)
}
