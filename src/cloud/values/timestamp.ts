// SPDX-License-Identifier: Apache-2.0
import { badParameter } from './failure.ts'
import type { JsonObject } from './json.ts'
import { optionalText } from './params.ts'

const rfc3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(\.\d{1,12})?(?:[Zz]|([+-])(\d\d):(\d\d))$/

/** A point in time: the text that was published, and milliseconds since the epoch (with fractions) for sorting. */
export interface Moment {
  readonly ts: string
  readonly ms: number
}

/** Milliseconds since the epoch; undefined when `text` is not a timestamp [TR50 2.5] [RFC 3339]. */
export function parseTimestamp(text: string): number | undefined {
  const match = rfc3339.exec(text)
  if (match === null) return undefined
  const [, year, month, day, hour, minute, second, fraction, sign, zoneHour, zoneMinute] = match
  const wholeMs = Date.UTC(
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour),
    Number(minute),
    Math.min(59, Number(second)),
  )
  const date = new Date(wholeMs)
  if (date.getUTCMonth() !== Number(month) - 1 || date.getUTCDate() !== Number(day)) return undefined
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return undefined
  const zoneMs = sign === undefined ? 0 : (Number(zoneHour) * 60 + Number(zoneMinute)) * 60_000
  const fractionMs = fraction === undefined ? 0 : Number(`0${fraction}`) * 1000
  return wholeMs + fractionMs - (sign === '-' ? -zoneMs : zoneMs)
}

export function momentOf(text: string, name = 'ts'): Moment {
  const ms = parseTimestamp(text)
  if (ms === undefined) throw badParameter(`${name} "${text.slice(0, 60)}" is not an RFC 3339 timestamp.`)
  return { ts: text, ms }
}

export function now(): Moment {
  const ms = Date.now()
  return { ts: new Date(ms).toISOString(), ms }
}

/** The timestamp in the parameter `name`, else now. */
export function momentIn(params: JsonObject, name = 'ts'): Moment {
  return optionalMoment(params, name) ?? now()
}

export function optionalMoment(params: JsonObject, name: string): Moment | undefined {
  const text = optionalText(params, name)
  return text === undefined ? undefined : momentOf(text, name)
}
