// SPDX-License-Identifier: Apache-2.0
/** A JSON value from outside. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject
export interface JsonObject {
  readonly [key: string]: Json | undefined
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const [quote, backslash, bracket, bracketEnd, brace, braceEnd] = [0x22, 0x5c, 0x5b, 0x5d, 0x7b, 0x7d]

/** How deep arrays and objects may be nested: `JSON.stringify` of a deeper value overflows the stack. */
export const maxDepth = 1000

/** Parses text; undefined when it is not JSON, or is nested deeper than {@link maxDepth}. */
export function parseJson(text: string): Json | undefined {
  if (!isShallow(text)) return undefined
  try {
    // JSON.parse returns nothing but JSON values.
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}

function isShallow(text: string): boolean {
  let depth = 0
  let isInText = false
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (isInText) {
      if (code === backslash) at++
      else if (code === quote) isInText = false
    } else if (code === quote) isInText = true
    else if (code === bracket || code === brace) {
      depth++
      if (depth > maxDepth) return false
    } else if (code === bracketEnd || code === braceEnd) depth--
  }
  return true
}

/** A copy without the fields that are undefined or null; the order stays. */
export function compact(fields: { readonly [key: string]: unknown }): JsonObject {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined && value !== null),
  ) as JsonObject
}

/** JSON text with the keys of every object sorted, so that equal values have equal texts. */
export function canonical(value: Json | undefined): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (!isObject(value)) return JSON.stringify(value) ?? 'null'
  const fields = Object.keys(value)
    .sort()
    .map(key => `${JSON.stringify(key)}:${canonical(value[key])}`)
  return `{${fields.join(',')}}`
}
