import { toAsciiJson } from '../../base/json.ts'

/** What stands in the place of a secret. */
const hidden = '[hidden]'
/** A secret of one or two characters would blank out half of every line and protect nothing. */
const minLength = 3

/** Takes secrets out of texts: those that are known, in every spelling, and what looks like one. */
export class Redaction {
  readonly #known: RegExp | undefined

  constructor(secrets: readonly string[]) {
    const spellings = new Set(secrets.flatMap(spellingsOf).filter(text => text.length >= minLength))
    // The longest first: one secret may be a part of another. All in one pass, so that no mark is taken for text.
    const longestFirst = [...spellings].sort((one, other) => other.length - one.length)
    if (longestFirst.length > 0) this.#known = new RegExp(longestFirst.map(literally).join('|'), 'g')
  }

  /** The text without its secrets. What was JSON is JSON still. */
  clean(text: string): string {
    let clean = this.#known === undefined ? text : text.replace(this.#known, hidden)
    for (const [pattern, replacement] of suspects) clean = clean.replace(pattern, replacement)
    return clean.replace(namedSecret, hideValue)
  }
}

/** A secret as it may stand in JSON (also in JSON within JSON), in a URL, and as Base64. */
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
    // By way of UTF-8: half of a surrogate pair has no place in a URL.
    encodeURIComponent(Buffer.from(secret).toString()),
    base64,
    base64.replace(/={1,2}$/, ''),
  ]
}

function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}

/**
 * What looks like a secret though nobody named it. None of them may swallow the end of a JSON string.
 *
 * Each begins with something fixed, and what it tries from there and finds wanting contains no further beginning: so no part of
 * a text is looked at again and again, whoever wrote it.
 */
const suspects: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, hidden],
  // User and password of a URL, then path and query: those of a relay are its only key.
  [/:\/\/[^\s/@"'<>\\]+@/g, `://${hidden}@`],
  [/\b((?:wss?|https?):\/\/[^\s/?#"'<>\\]+)[/?#][^\s"'<>\\]+/gi, `$1/${hidden}`],
  [/(\/file\/)[\w-]{8,}/g, `$1${hidden}`],
  [/\b(bearer|basic|digest)\s+[\w+/=.~-]{8,}/gi, `$1 ${hidden}`],
]

/** `password=x`, `"cloud.token": "x"`, `\"sessionId\":\"x\"`: the end of a name, and the value that belongs to it. */
const namedSecret =
  /((?:tokens?|passw(?:or)?ds?|passwd|passphrase|secrets?|session_?id|api_?key|private_?key|credentials?|user_?name|authorization)(\\*["'])?\s*[:=]\s*)("(?:[^"\\\n]|\\.)*"|\\+"[^"\n]*"|'[^'\n]*'|[^\s"',;}\])]+)/gi

function hideValue(all: string, name: string, nameQuote: string | undefined, value: string): string {
  if (/^(?:true|false|null)$/.test(value)) return all
  const opening = /^\\*["']/.exec(value)?.[0]
  if (opening !== undefined) return `${name}${opening}${hidden}${closingOf(value)}`
  // A bare value behind a quoted name is a number in JSON.
  return nameQuote === '"' ? `${name}"${hidden}"` : `${name}${hidden}`
}

/** The quote at the end of a quoted value, with its backslashes. (A search for it would begin anew at each backslash within.) */
function closingOf(value: string): string {
  let start = value.length - 1
  while (value[start - 1] === '\\') start--
  return value.slice(start)
}
