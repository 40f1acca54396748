/** A JSON value as it came from outside. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject
export interface JsonObject {
  readonly [key: string]: Json | undefined
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const [quote, backslash, bracket, bracketEnd, brace, braceEnd] = [0x22, 0x5c, 0x5b, 0x5d, 0x7b, 0x7d]

/** How deep arrays and objects may stand in each other: what is deeper cannot be put into words again without running out of stack. */
export const maxDepth = 1000

/** Parses text; undefined when it is not JSON, or is deeper than {@link maxDepth}. */
export function parseJson(text: string): Json | undefined {
  if (!isShallow(text)) return undefined
  try {
    // The one boundary: what JSON.parse returns is a Json by definition.
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

/** A copy without the fields that are undefined or null, in the same order. */
export function compact(fields: { readonly [key: string]: unknown }): JsonObject {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined && value !== null),
  ) as JsonObject
}

/** Text by which two JSON values can be compared: the keys of every object sorted. */
export function canonical(value: Json | undefined): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (!isObject(value)) return JSON.stringify(value) ?? 'null'
  const fields = Object.keys(value)
    .sort()
    .map(key => `${JSON.stringify(key)}:${canonical(value[key])}`)
  return `{${fields.join(',')}}`
}
