/** A JSON value as it came from outside. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject
export interface JsonObject {
  readonly [key: string]: Json | undefined
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Parses text; undefined when it is not JSON. */
export function parseJson(text: string): Json | undefined {
  try {
    // The one boundary: what JSON.parse returns is a Json by definition.
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
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
