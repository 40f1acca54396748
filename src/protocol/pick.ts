import type { JsonObject } from '../base/json.ts'

/** The named members of `source` in the order of `names`, without those that are absent or null [TR50 2.2]. */
export function pick(names: readonly string[], source: JsonObject): JsonObject {
  const picked: Record<string, JsonObject[string]> = {}
  for (const name of names) {
    const value = source[name]
    if (value !== undefined && value !== null) picked[name] = value
  }
  return picked
}
