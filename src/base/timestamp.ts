// SPDX-License-Identifier: Apache-2.0
/**
 * A point in time as TR50 text: UTC with exactly six fractional digits, `2024-03-05T10:11:12.000345Z` [TR50 2.5].
 *
 * @param epochMs milliseconds since 1970; a fraction becomes microseconds
 */
export function formatTimestamp(epochMs: number): string {
  // Samples come in bursts, many within the same millisecond.
  if (epochMs === lastEpochMs) return lastText
  const wholeMs = Math.floor(epochMs)
  const micros = Math.min(999, Math.round((epochMs - wholeMs) * 1000))
  lastText = `${new Date(wholeMs).toISOString().slice(0, -1)}${micros === 0 ? '000' : String(micros).padStart(3, '0')}Z`
  lastEpochMs = epochMs
  return lastText
}

let lastEpochMs = Number.NaN
let lastText = ''

const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/i

/** Milliseconds since 1970 of an RFC 3339 text (`Z` or offset, optional fraction); undefined for any other text. */
export function parseTimestamp(text: string): number | undefined {
  if (!rfc3339.test(text)) return undefined
  const epochMs = Date.parse(text)
  return Number.isNaN(epochMs) ? undefined : epochMs
}
