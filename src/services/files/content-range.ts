// SPDX-License-Identifier: Apache-2.0
/** What a 206 answer says about itself; `totalBytes` is undefined for `*`. */
export interface ContentRange {
  readonly first: number
  readonly last: number
  readonly totalBytes: number | undefined
}

/** A `Content-Range: bytes FIRST-LAST/TOTAL`, or undefined when it is none or contradicts itself [RFC 9110 14.4]. */
export function parseContentRange(text: string | undefined): ContentRange | undefined {
  const match = /^bytes\s+(\d+)-(\d+)\/(\d+|\*)$/i.exec(text?.trim() ?? '')
  if (match === null) return undefined
  const [first, last] = [Number(match[1]), Number(match[2])]
  const totalBytes = match[3] === '*' ? undefined : Number(match[3])
  if (!Number.isSafeInteger(last) || last < first) return undefined
  if (totalBytes !== undefined && (!Number.isSafeInteger(totalBytes) || last >= totalBytes)) return undefined
  return { first, last, totalBytes }
}
