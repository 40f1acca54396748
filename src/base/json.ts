// SPDX-License-Identifier: Apache-2.0
/** A JSON value, as it comes from outside. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject

/** A JSON object. Absent and undefined members are the same: JSON.stringify leaves both out. */
export interface JsonObject {
  readonly [key: string]: Json | undefined
}

/**
 * How deeply lists and objects from outside may be nested. Far more than any sender needs, and far less than a recursive
 * function can follow: JSON.parse reads any depth, JSON.stringify ends in a stack overflow.
 */
export const maxJsonDepth = 64

/** Whether `value` is a JSON object (not null, not an array). */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * The value of JSON text; undefined when it is not JSON, or nested deeper than `maxDepth`. (JSON itself has no undefined, so
 * nothing is ambiguous.) {@link jsonProblem} says which.
 */
export function parseJson(text: string, maxDepth = maxJsonDepth): Json | undefined {
  return isNestedDeeper(text, maxDepth) ? undefined : parsed(text)
}

/** Why {@link parseJson} returned undefined for a text, to go behind "it is". */
export function jsonProblem(text: string, maxDepth = maxJsonDepth): string {
  return isNestedDeeper(text, maxDepth) ? `nested deeper than ${maxDepth} levels` : 'not JSON'
}

/**
 * As {@link parseJson}, for a text of many parts, where one that is too deep must not cost the others: the lists and objects
 * below `maxDepth` become null.
 */
export function parseCutJson(text: string, maxDepth: number): Json | undefined {
  const value = parsed(text)
  if (value !== undefined && isNestedDeeper(text, maxDepth)) cutBelow(value, maxDepth)
  return value
}

/** Whether lists and objects are nested more than `maxDepth` times, counting the outermost. For trees only, as JSON is one. */
export function isDeeperThan(value: Json, maxDepth: number): boolean {
  let level: readonly Json[] = [value].filter(isContainer)
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > maxDepth) return true
    level = level.flatMap(childrenOf)
  }
  return false
}

/** JSON text in which every character beyond ASCII is escaped as `\uXXXX`, as the Python agent writes it. */
export function toAsciiJson(value: unknown): string {
  // JSON.stringify returns undefined for undefined and for functions.
  const text = JSON.stringify(value) ?? 'null'
  // Nearly all messages are plain ASCII already, and the test is much cheaper than the rewrite.
  return /^[\x20-\x7e]*$/.test(text)
    ? text
    : text.replace(/[\u007f-\uffff]/g, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}

const quote = 0x22
const backslash = 0x5c
const openings = { list: 0x5b, object: 0x7b }
const closings = { list: 0x5d, object: 0x7d }

/** Looks once at each character and allocates nothing: a hostile text costs a quarter of its parsing, a short one nothing. */
function isNestedDeeper(text: string, maxDepth: number): boolean {
  if (text.length <= maxDepth) return false
  let depth = 0
  let inText = false
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit === quote) inText = !inText
    else if (inText) at += unit === backslash ? 1 : 0
    else if (unit === openings.list || unit === openings.object) {
      if (++depth > maxDepth) return true
    } else if (unit === closings.list || unit === closings.object) depth--
  }
  return false
}

function isContainer(value: Json | undefined): value is readonly Json[] | JsonObject {
  return typeof value === 'object' && value !== null
}

function childrenOf(value: Json): (readonly Json[] | JsonObject)[] {
  return (Array.isArray(value) ? value : Object.values(value ?? {})).filter(isContainer)
}

function cutBelow(value: Json, maxDepth: number): void {
  let level = [value].filter(isContainer)
  for (let depth = 1; depth < maxDepth; depth++) level = level.flatMap(childrenOf)
  for (const container of level) {
    // The only place that changes a value: this module has just made it, and no caller has it yet.
    const changeable = container as Record<string, Json>
    for (const [key, child] of Object.entries(container)) if (isContainer(child)) changeable[key] = null
  }
}
