// SPDX-License-Identifier: Apache-2.0
import { isObject, type Json, parseJson } from '../values/json.ts'

const secretName = /pass(word|wd)?$|token$|secret|authorization|^sessionid$|totp/i
const maybeSecret = /pass|token|secret|authorization|sessionid|totp/i
const hidden = '(hidden)'

/** The text of a payload, with passwords, tokens and session ids replaced. */
export function hideSecrets(text: string): string {
  if (!maybeSecret.test(text)) return text
  const value = parseJson(text)
  // Text that names secrets and is not JSON cannot be taken apart, so it is dropped as a whole.
  return value === undefined ? hidden : JSON.stringify(withoutSecrets(value, 0))
}

function withoutSecrets(value: Json | undefined, depth: number): Json {
  if (value === undefined) return null
  if (depth > 100) return hidden
  if (Array.isArray(value)) return value.map((item: Json) => withoutSecrets(item, depth + 1))
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [
      name,
      secretName.test(name) && typeof field === 'string' ? hidden : withoutSecrets(field, depth + 1),
    ]),
  )
}
