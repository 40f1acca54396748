// SPDX-License-Identifier: Apache-2.0
import { AgentError } from '../../base/errors.ts'
import { fileLimits } from './limits.ts'
import type { HttpAnswer } from './types.ts'

/**
 * An unwanted answer of the file service, as an error.
 * `HTTP_STATUS` may pass when tried again; `REFUSED_BY_CLOUD` and `LIMIT_EXCEEDED` will not. All carry `details.status`.
 *
 * @param epochMs the wall clock, for a Retry-After that names a date
 */
export function refusal(verb: string, answer: HttpAnswer, epochMs: number): AgentError {
  const { status } = answer
  const why = meanings[status]
  const text = `The file service answered ${verb} with HTTP ${status}${why === undefined ? '' : `: ${why}`}.`
  if (status === 413) return new AgentError('LIMIT_EXCEEDED', text, { details: { status } })
  if (!mayPass(status)) {
    return new AgentError('REFUSED_BY_CLOUD', text, {
      details: { status, errorCodes: [], errorMessages: [`HTTP ${status}`] },
    })
  }
  const retryAfterMs = parseRetryAfter(headerOf(answer, 'retry-after'), epochMs)
  return new AgentError('HTTP_STATUS', text, { details: { status, retryAfterMs } })
}

const meanings: Readonly<Record<number, string>> = {
  400: 'it did not accept what arrived (a wrong check sum, perhaps)',
  401: 'not authorised',
  403: 'forbidden',
  404: 'the file id is not known, used up or expired',
  410: 'the file id is used up or expired',
  413: 'the file is too large',
  416: 'the range lies outside of the file',
  429: 'too many requests',
  503: 'temporarily not available',
  507: 'the store is full',
}

/**
 * Ids expire and are used up (404, 410), content can be damaged on the way (400), a file can have changed (416), and a
 * server can fail for a moment. Redirects are not followed: the file id is the only key to the file, and it goes to no other server.
 */
function mayPass(status: number): boolean {
  if (status >= 500) return status !== 501 && status !== 505
  return [400, 404, 408, 409, 410, 416, 425, 429].includes(status)
}

/** Milliseconds that a Retry-After asks for, bounded; seconds or an HTTP date [RFC 9110 10.2.3]. */
function parseRetryAfter(text: string | undefined, epochMs: number): number | undefined {
  if (text === undefined) return undefined
  const waitMs = /^\s*\d+\s*$/.test(text) ? Number(text) * 1000 : Date.parse(text) - epochMs
  if (Number.isNaN(waitMs)) return undefined
  return Math.min(Math.max(waitMs, 0), fileLimits.retryAfterMs)
}

/** One header as text; of a header that came several times, the first. */
export function headerOf(answer: HttpAnswer, name: string): string | undefined {
  const value = answer.headers[name]
  return typeof value === 'string' ? value : value?.[0]
}
