// SPDX-License-Identifier: Apache-2.0
/** Reads the parameters of a command. A null counts as absent everywhere [TR50 2.2]. */
import { badParameter } from './failure.ts'
import { isObject, type Json, type JsonObject } from './json.ts'

/** Keys of things, properties, attributes, alarms and methods [TR50 2.5]. */
const keySyntax = /^[A-Za-z0-9_-]{1,128}$/
const maxTextChars = 4 * 1024 * 1024

export function has(params: JsonObject, name: string): boolean {
  return params[name] !== undefined && params[name] !== null
}

export function optionalText(params: JsonObject, name: string): string | undefined {
  const value = params[name]
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'string') throw badParameter(`${name} must be a string.`)
  if (value.length > maxTextChars) throw badParameter(`${name} is longer than ${maxTextChars} characters.`)
  return value
}

export function requiredText(params: JsonObject, name: string): string {
  const value = optionalText(params, name)
  if (value === undefined || value === '') throw badParameter(`${name} is missing.`)
  return value
}

/** A key. The key of a thing is not checked, because old fleets have longer ones. */
export function requiredKey(params: JsonObject, name = 'key'): string {
  return checkKey(requiredText(params, name), name)
}

export function checkKey(key: string, name = 'key'): string {
  if (!keySyntax.test(key))
    throw badParameter(`${name} "${key.slice(0, 80)}" must be 1 to 128 letters, digits, _ and -.`)
  return key
}

export function isKey(key: string): boolean {
  return keySyntax.test(key)
}

export function optionalNumber(params: JsonObject, name: string): number | undefined {
  const value = params[name]
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'number' || !Number.isFinite(value)) throw badParameter(`${name} must be a number.`)
  return value
}

export function requiredNumber(params: JsonObject, name: string): number {
  const value = optionalNumber(params, name)
  if (value === undefined) throw badParameter(`${name} is missing.`)
  return value
}

/** An integer. `1.0` and a decimal string are taken too, because agents in the field send them [TR50 alarm.publish] [TR50 8.3]. */
export function optionalInteger(params: JsonObject, name: string): number | undefined {
  const value = params[name]
  if (value === undefined || value === null) return undefined
  const number = typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value
  if (typeof number !== 'number' || !Number.isSafeInteger(number)) throw badParameter(`${name} must be an integer.`)
  return number
}

export function flag(params: JsonObject, name: string): boolean {
  const value = params[name]
  if (value === undefined || value === null) return false
  if (typeof value !== 'boolean') throw badParameter(`${name} must be true or false.`)
  return value
}

export function optionalObject(params: JsonObject, name: string): JsonObject | undefined {
  const value = params[name]
  if (value === undefined || value === null) return undefined
  if (!isObject(value)) throw badParameter(`${name} must be an object.`)
  return value
}

export function textList(params: JsonObject, name: string): readonly string[] | undefined {
  const value = params[name]
  if (value === undefined || value === null) return undefined
  const list: readonly Json[] = Array.isArray(value) ? value : [value]
  return list.map(item => {
    if (typeof item !== 'string') throw badParameter(`${name} must be an array of strings.`)
    return item
  })
}

/** The rows that `offset` and `limit` of a list command select, at most `maxRows`. */
export function page<T>(
  params: JsonObject,
  rows: readonly T[],
  maxRows = 2000,
): { count: number; result: readonly T[] } {
  const offset = Math.max(0, optionalInteger(params, 'offset') ?? 0)
  const limit = Math.min(maxRows, Math.max(0, optionalInteger(params, 'limit') ?? maxRows))
  const result = rows.slice(offset, offset + limit)
  return { count: result.length, result }
}
