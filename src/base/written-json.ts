// SPDX-License-Identifier: Apache-2.0
import { type Json, type JsonObject, maxJsonDepth, parseCutJson, parseJson } from './json.ts'
import { isSafeLiteral } from './number-text.ts'

/** The numbers of an object in their written form, by the names of its members. */
export type WrittenNumbers = Readonly<Record<string, string>>

/** Which numbers are returned as their written text: those that JavaScript cannot hold, or also those that it would write otherwise. */
type AsText = 'unsafe' | 'odd'

/**
 * As {@link parseJson}, and no number changes silently: an integer beyond ±9007199254740991, and a number that is too large for any,
 * is returned as its written text. {@link writtenNumbers} has the written form of the other numbers of an object.
 */
export function parseWrittenJson(text: string, maxDepth = maxJsonDepth): Json | undefined {
  return exactly(parseJson(text, maxDepth), text, maxDepth, 'unsafe')
}

/** As {@link parseCutJson}, with the numbers of {@link parseWrittenJson}. */
export function parseCutWrittenJson(text: string, maxDepth: number): Json | undefined {
  return exactly(parseCutJson(text, maxDepth), text, maxDepth, 'unsafe')
}

/** As {@link parseJson}; each number that JavaScript would write otherwise (`1.50`, `1e3`) is returned as its written text. */
export function parseJsonWithOddNumbersAsText(text: string, maxDepth = maxJsonDepth): Json | undefined {
  return exactly(parseJson(text, maxDepth), text, maxDepth, 'odd')
}

/** The written form of those members of an object whose number JavaScript would write otherwise; undefined when there are none. */
export function writtenNumbers(object: JsonObject): WrittenNumbers | undefined {
  return writtenIn.get(object)
}

/** Kept beside the values, so that the objects themselves are those of JSON.parse. */
const writtenIn = new WeakMap<object, WrittenNumbers>()

/**
 * A number with a fraction, an exponent or very many digits, or -0: such a text is read a second time, because JSON.parse gives no
 * literals on Node 20. A match inside a string costs the second reading and nothing else.
 */
const oddNumber = /(?:^|[[:,])\s*(?:-?\d+[.eE]|-?\d{16}|-0)/

/** @param value what JSON.parse made of `text` */
function exactly(value: Json | undefined, text: string, maxDepth: number, asText: AsText): Json | undefined {
  return value === undefined || !oddNumber.test(text) ? value : new Reader(text, maxDepth, asText).value(0)
}

const literal = /-?\d[\d.eE+-]*/y

/** Reads JSON that is known to be valid. It calls itself once a level, so no deeper than `maxDepth`; everything below is null. */
class Reader {
  readonly #text: string
  readonly #maxDepth: number
  readonly #asText: AsText
  #at = 0

  constructor(text: string, maxDepth: number, asText: AsText) {
    this.#text = text
    this.#maxDepth = maxDepth
    this.#asText = asText
  }

  value(depth: number): Json {
    switch (this.#next()) {
      case '{':
        return depth < this.#maxDepth ? this.#object(depth + 1) : this.#skip()
      case '[':
        return depth < this.#maxDepth ? this.#list(depth + 1) : this.#skip()
      case '"':
        return this.#string()
      case 't':
        this.#at += 4
        return true
      case 'f':
        this.#at += 5
        return false
      case 'n':
        this.#at += 4
        return null
      default:
        return this.#asValue(this.#literal())
    }
  }

  /** The next character that is not white space. */
  #next(): string {
    while (this.#text.charCodeAt(this.#at) <= 0x20) this.#at++
    return this.#text[this.#at] ?? ''
  }

  #list(depth: number): Json {
    const list: Json[] = []
    this.#at++
    if (this.#next() === ']') this.#at++
    else
      do list.push(this.value(depth))
      while (this.#goesOn())
    return list
  }

  #object(depth: number): Json {
    const object: Record<string, Json> = {}
    const written = new Map<string, string>()
    this.#at++
    if (this.#next() === '}') this.#at++
    else
      do {
        this.#next()
        const name = this.#string()
        this.#next()
        this.#at++
        const isNumber = '-0123456789'.includes(this.#next())
        const text = isNumber ? this.#literal() : undefined
        // Of a name that occurs twice the last one counts, as in JSON.parse.
        written.delete(name)
        const value = text === undefined ? this.value(depth) : this.#asValue(text)
        if (text !== undefined && (value === text || String(value) !== text)) written.set(name, text)
        setMember(object, name, value)
      } while (this.#goesOn())
    if (written.size > 0) writtenIn.set(object, Object.fromEntries(written))
    return object
  }

  /** Whether another member follows; takes the comma, or the closing bracket. */
  #goesOn(): boolean {
    const isComma = this.#next() === ','
    this.#at++
    return isComma
  }

  #literal(): string {
    literal.lastIndex = this.#at
    const text = literal.exec(this.#text)?.[0] ?? ''
    // Valid JSON has a literal here; the reader moves on in any case.
    this.#at += Math.max(1, text.length)
    return text
  }

  #asValue(text: string): Json {
    const value = Number(text)
    const isText = this.#asText === 'odd' ? String(value) !== text : !isSafeLiteral(text)
    return isText ? text : value
  }

  #string(): string {
    const start = this.#at
    this.#at = this.#endOfString()
    const inner = this.#text.slice(start + 1, this.#at - 1)
    return inner.includes('\\') ? String(JSON.parse(`"${inner}"`)) : inner
  }

  /** The position behind the closing quote of the string that begins here. */
  #endOfString(): number {
    for (let end = this.#text.indexOf('"', this.#at + 1); end >= 0; end = this.#text.indexOf('"', end + 1)) {
      let before = end
      while (this.#text[before - 1] === '\\') before--
      if ((end - before) % 2 === 0) return end + 1
    }
    return this.#text.length
  }

  /** Skips a list or an object without a call for each level. */
  #skip(): null {
    let depth = 0
    do {
      const character = this.#next()
      if (character === '"') {
        this.#at = this.#endOfString()
        continue
      }
      if (character === '{' || character === '[') depth++
      if (character === '}' || character === ']') depth--
      this.#at++
    } while (depth > 0 && this.#at < this.#text.length)
    return null
  }
}

/** Makes an own member also of the name that means the prototype, as JSON.parse does. */
function setMember(object: Record<string, Json>, name: string, value: Json): void {
  if (name === '__proto__')
    Object.defineProperty(object, name, { value, enumerable: true, writable: true, configurable: true })
  else object[name] = value
}
