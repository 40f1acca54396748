// SPDX-License-Identifier: Apache-2.0
import { isJsonObject, type Json, type JsonObject } from '../base/json.ts'

/**
 * Every value that an object has for a dotted key, in each spelling of the key: `{"ota": {"public_keys": []}}` and
 * `{"ota.public_keys": []}` mean the same.
 */
export function valuesAt(object: JsonObject, key: string): readonly Json[] {
  const found: Json[] = []
  for (let end = key.indexOf('.'); ; end = key.indexOf('.', end + 1)) {
    const name = end < 0 ? key : key.slice(0, end)
    const value = Object.hasOwn(object, name) ? object[name] : undefined
    if (end < 0) {
      if (value !== undefined) found.push(value)
      return found
    }
    if (isJsonObject(value)) found.push(...valuesAt(value, key.slice(end + 1)))
  }
}

/** Whether the values that were given for one setting differ. */
export function haveDifferences(values: readonly unknown[]): boolean {
  return new Set(values.map(value => JSON.stringify(value))).size > 1
}
