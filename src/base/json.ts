/** A JSON value, as it comes from outside. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject

/** A JSON object. Absent and undefined members are the same: JSON.stringify leaves both out. */
export interface JsonObject {
  readonly [key: string]: Json | undefined
}

/** Whether `value` is a JSON object (not null, not an array). */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The value of JSON text, or undefined when it is not JSON. (JSON itself has no undefined, so nothing is ambiguous.) */
export function parseJson(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}

/** JSON text in which every character beyond ASCII is escaped as `\uXXXX`, as the Python agent writes it. */
export function toAsciiJson(value: unknown): string {
  const text = JSON.stringify(value)
  // Nearly all messages are plain ASCII already, and the test is much cheaper than the rewrite.
  return /^[\x20-\x7e]*$/.test(text)
    ? text
    : text.replace(/[\u007f-\uffff]/g, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
