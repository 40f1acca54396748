// SPDX-License-Identifier: Apache-2.0
import { toAsciiJson } from '../../base/json.ts'

/** The text that replaces a secret. */
const hidden = '[hidden]'
/** Replacing a secret of one or two characters would hide half of every line, and protect nothing. */
const minLength = 3

/** Removes secrets from texts: the known ones in every spelling, and everything that looks like one. */
export class Redaction {
  readonly #known: RegExp | undefined

  constructor(secrets: readonly string[]) {
    const spellings = new Set(secrets.flatMap(spellingsOf).filter(text => text.length >= minLength))
    // The longest first, because one secret may be a part of another. All in one pass, so that no replacement is searched again.
    const longestFirst = [...spellings].sort((one, other) => other.length - one.length)
    if (longestFirst.length > 0) this.#known = new RegExp(longestFirst.map(literally).join('|'), 'g')
  }

  /** The text without its secrets. JSON stays valid JSON. */
  clean(text: string): string {
    let clean = this.#known === undefined ? text : text.replace(this.#known, hidden)
    for (const [pattern, replacement] of secretPatterns) clean = clean.replace(pattern, replacement)
    return clean.replace(namedSecret, hideValue)
  }
}

/** A secret as written in JSON, in JSON inside a JSON string, in a URL, and in Base64. */
function spellingsOf(secret: string): readonly string[] {
  if (secret.length < minLength) return []
  const inJson = (text: string) => JSON.stringify(text).slice(1, -1)
  const ascii = toAsciiJson(secret).slice(1, -1)
  const base64 = Buffer.from(secret).toString('base64')
  return [
    secret,
    inJson(secret),
    inJson(inJson(secret)),
    ascii,
    inJson(ascii),
    // Through UTF-8, because encodeURIComponent throws on half of a surrogate pair.
    encodeURIComponent(Buffer.from(secret).toString()),
    base64,
    base64.replace(/={1,2}$/, ''),
  ]
}

function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}

/**
 * What looks like a secret that is not known. No pattern may match across the end of a JSON string.
 *
 * Each pattern begins with fixed text, and a failed match contains no second beginning. So the time stays linear in the length of
 * the text, even of a text that an attacker wrote.
 */
const secretPatterns: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, hidden],
  // User and password of a URL, then its path and query, which are the only key to a relay.
  [/:\/\/[^\s/@"'<>\\]+@/g, `://${hidden}@`],
  [/\b((?:wss?|https?):\/\/[^\s/?#"'<>\\]+)[/?#][^\s"'<>\\]+/gi, `$1/${hidden}`],
  [/(\/file\/)[\w-]{8,}/g, `$1${hidden}`],
  [/\b(bearer|basic|digest)\s+[\w+/=.~-]{8,}/gi, `$1 ${hidden}`],
]

/** The end of a name and its value: `password=x`, `"cloud.token": "x"`, `\"sessionId\":\"x\"`. */
const namedSecret =
  /((?:tokens?|passw(?:or)?ds?|passwd|passphrase|secrets?|session_?id|api_?key|private_?key|credentials?|user_?name|authorization)(\\*["'])?\s*[:=]\s*)("(?:[^"\\\n]|\\.)*"|\\+"[^"\n]*"|'[^'\n]*'|[^\s"',;}\])]+)/gi

function hideValue(all: string, name: string, nameQuote: string | undefined, value: string): string {
  if (/^(?:true|false|null)$/.test(value)) return all
  const opening = /^\\*["']/.exec(value)?.[0]
  if (opening !== undefined) return `${name}${opening}${hidden}${closingOf(value)}`
  // A value without quotes after a quoted name is a number in JSON.
  return nameQuote === '"' ? `${name}"${hidden}"` : `${name}${hidden}`
}

/** The quote at the end of a quoted value, with its backslashes. Read from the end, because a regular expression would try again at each backslash. */
function closingOf(value: string): string {
  let start = value.length - 1
  while (value[start - 1] === '\\') start--
  return value.slice(start)
}
