// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../base/clock.ts'
import { AgentError } from '../base/errors.ts'
import { formatTimestamp, parseTimestamp } from '../base/timestamp.ts'

/** A point in time as an application gives it: a Date, milliseconds since 1970, or RFC 3339 text (`Z` or offset). */
export type TimestampInput = Date | number | string

/** The longest key of a thing, property, attribute, alarm or action that we send, in characters. */
const maxKeyChars = 256
/** The longest text of one attribute, event or alarm message, in bytes of UTF-8. */
export const maxTextBytes = 64 * 1024
/** The longest correlation id or short text field, in bytes of UTF-8. */
export const maxShortTextBytes = 1024

const keySyntax = /^[A-Za-z0-9_-]+$/
const lastEpochMs = Date.parse('9999-12-31T23:59:59.999Z')
const maxShown = 60

/**
 * A key of a property, attribute, alarm or method: letters, digits, `_` and `-` [TR50 2.5].
 *
 * @throws AgentError `INVALID_ARGUMENT` naming `what`
 */
export function checkedKey(what: string, key: unknown): string {
  if (typeof key !== 'string') throw invalid(what, key, 'must be text')
  if (key === '') throw new AgentError('INVALID_ARGUMENT', `${what} must not be empty.`)
  if (key.length > maxKeyChars) throw invalid(what, key, `must have at most ${maxKeyChars} characters`)
  if (!keySyntax.test(key)) throw invalid(what, key, 'may hold only letters, digits, "_" and "-"')
  return key
}

/**
 * A text of at most `maxBytes` bytes of UTF-8; the empty text is allowed.
 *
 * @throws AgentError `INVALID_ARGUMENT` naming `what`
 */
export function checkedText(what: string, text: unknown, maxBytes: number = maxTextBytes): string {
  if (typeof text !== 'string') throw invalid(what, text, 'must be text')
  // A character is at most three bytes a UTF-16 unit, so that short texts need no counting.
  if (text.length * 3 > maxBytes && Buffer.byteLength(text) > maxBytes)
    throw invalid(what, text, `must have at most ${maxBytes} bytes`)
  return text
}

/**
 * A finite number between `least` and `most`.
 *
 * @throws AgentError `INVALID_ARGUMENT` naming `what`
 */
export function checkedNumber(what: string, value: unknown, least = -Infinity, most = Infinity): number {
  if (typeof value === 'bigint') throw unheld(what, String(value))
  if (typeof value !== 'number' || !Number.isFinite(value)) throw invalid(what, value, 'must be a finite number')
  if (value < least || value > most) throw invalid(what, value, `must be from ${least} to ${most}`)
  return value
}

/**
 * `at`, or the present moment when it is absent, as TR50 text: UTC with six fractional digits [TR50 2.5].
 *
 * @throws AgentError `INVALID_ARGUMENT` when `at` is no point in time from 1970 to 9999
 */
export function timestampText(clock: Clock, at: TimestampInput | undefined): string {
  return at === undefined ? textOfNow(clock.now()) : momentText(at)
}

/**
 * As {@link timestampText}, of a time that is given.
 *
 * @throws AgentError `INVALID_ARGUMENT` when `at` is no point in time from 1970 to 9999
 */
export function momentText(at: TimestampInput): string {
  if (typeof at === 'string') return rfc3339InUtc(at)
  const epochMs = at instanceof Date ? at.getTime() : at
  if (typeof epochMs !== 'number' || !isEpochMs(epochMs))
    throw invalid('timestamp', at, 'must be a Date, milliseconds since 1970, or RFC 3339 text')
  return formatTimestamp(epochMs)
}

let lastNowMs = Number.NaN
let lastNowText = ''

/** Many samples are taken in one millisecond; its text is made once. */
function textOfNow(nowMs: number): string {
  if (nowMs !== lastNowMs) {
    lastNowText = formatTimestamp(nowMs)
    lastNowMs = nowMs
  }
  return lastNowText
}

/** The same moment in UTC. Microseconds are taken from the text, because a number of milliseconds would round them. */
function rfc3339InUtc(text: string): string {
  const epochMs = parseTimestamp(text)
  if (epochMs === undefined || !isEpochMs(epochMs) || !isDayOfMonth(text))
    throw invalid('timestamp', text, 'must be RFC 3339 text such as 2024-03-05T10:11:12.000345Z')
  const micros = (/\.(\d+)/.exec(text)?.[1] ?? '').padEnd(6, '0').slice(3, 6)
  return `${formatTimestamp(Math.floor(epochMs)).slice(0, -4)}${micros}Z`
}

/** The 30th of February would become the first of March. */
function isDayOfMonth(text: string): boolean {
  const [year, month, day] = text.slice(0, 10).split('-').map(Number)
  return new Date(Date.UTC(year ?? 0, month ?? 0, 0)).getUTCDate() >= (day ?? 0)
}

/** The error for a number in digits that a number of the protocol cannot carry to the last digit, or at all. */
export function unheld(what: string, digits: string): AgentError {
  const shown = digits.length > maxShown ? `a number of ${digits.length} digits` : digits
  return new AgentError('INVALID_ARGUMENT', `${what} is ${shown}, and a number of the cloud has about 16 digits.`, {
    details: { argument: what },
    remedy: 'Publish it as the text of an attribute; or round it, as in 9.007e15.',
  })
}

function isEpochMs(value: number): boolean {
  return value >= 0 && value <= lastEpochMs
}

/** `INVALID_ARGUMENT`: what was wrong, the rule, and what was given instead. */
export function invalid(what: string, value: unknown, rule: string): AgentError {
  return new AgentError('INVALID_ARGUMENT', `${what} ${rule}, not ${shown(value)}.`, { details: { argument: what } })
}

function shown(value: unknown): string {
  if (typeof value === 'string') return value.length > maxShown ? `${value.length} characters` : JSON.stringify(value)
  if (value === null || value === undefined || typeof value === 'number' || typeof value === 'boolean')
    return String(value)
  if (value instanceof Date) return 'an invalid Date'
  return Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`
}
