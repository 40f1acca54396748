// SPDX-License-Identifier: Apache-2.0
import { AgentError, type ErrorCode, errnoOf, messageOf } from '../../base/errors.ts'
import { isTlsError, tlsReason } from '../tls/tls-alert.ts'
import { namedByCloud, reachRemedy } from './named-by.ts'

const noRoute = new Set(['ENETUNREACH', 'EHOSTUNREACH', 'ENETDOWN', 'EHOSTDOWN', 'EADDRNOTAVAIL', 'EAFNOSUPPORT'])

const reasons: Readonly<Record<string, string>> = {
  ENOTFOUND: 'the name has no address',
  EAI_AGAIN: 'the name server does not answer',
  EAI_FAIL: 'the name server answers with a failure',
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

/** The reason of a failed system call on a socket, for people. */
export function reasonOf(error: unknown): string {
  const chosen = mostSpecific(error)
  if (isTlsError(chosen)) return tlsReason(chosen)
  const errno = errnoOf(chosen)
  const text = errno === undefined ? undefined : reasons[errno]
  return text === undefined ? messageOf(chosen) : `${text} (${errno})`
}

/** A failure to reach `place` before any TLS, as an error with the matching code and a remedy. */
export function tcpFailure(place: string, error: unknown, namedBy = namedByCloud): AgentError {
  const code = tcpCode(error)
  const remedy = reachRemedy(code, mostSpecific(error), namedBy)
  return new AgentError(code, `${place}: ${reasonOf(error)}`, {
    cause: error,
    remedy,
  })
}

function tcpCode(error: unknown): ErrorCode {
  const errno = errnoOf(mostSpecific(error)) ?? ''
  if (errno.startsWith('EAI_') || errno === 'ENOTFOUND') return 'NAME_NOT_RESOLVED'
  if (noRoute.has(errno)) return 'NETWORK_UNREACHABLE'
  return 'TCP_FAILED'
}

/** The most specific error of several failed addresses: "refused" by a host that is there beats "no route" of the other family. */
function mostSpecific(error: unknown): unknown {
  if (!(error instanceof AggregateError)) return error
  const errors: readonly unknown[] = error.errors
  return errors.find(one => !noRoute.has(errnoOf(one) ?? '')) ?? errors[0] ?? error
}
