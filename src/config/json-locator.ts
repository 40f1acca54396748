// SPDX-License-Identifier: Apache-2.0
import { isJsonObject, type JsonObject, parseJson } from '../base/json.ts'
import { parseJsonWithOddNumbersAsText } from '../base/written-json.ts'

/** A position in a text file; line and column count from 1. */
export interface TextPosition {
  readonly line: number
  readonly column: number
}

/** A member that its object has twice. */
export interface Repeated {
  /** Dotted path. */
  readonly path: string
  /** The two have different values. */
  readonly differs: boolean
}

/** A JSON object with the positions of its keys, or the first mistake in its syntax. */
export type Located =
  | {
      readonly ok: true
      /** A number that JavaScript would write differently (`1.10`, twenty digits) is a text here, as the file has it. */
      readonly value: JsonObject
      /** Dotted path of a member (`cloud.host`, `list.0.port`) → position of its key. */
      readonly positions: ReadonlyMap<string, TextPosition>
      /** Members that their object has twice; the last one counts, as everywhere in JSON. */
      readonly repeated: readonly Repeated[]
    }
  | { readonly ok: false; readonly position: TextPosition; readonly problem: string; readonly remedy: string }

const maxDepth = 32
/** No setting has a longer path; the position of a longer one is not remembered. */
const maxPathLength = 512

/**
 * Reads JSON text and remembers the position of every key. JSON.parse reports no lines, and its errors differ from one version of
 * Node to the next.
 * No error text quotes the file: it holds a token.
 */
export function locateJson(text: string): Located {
  const scanner = new Scanner(text)
  const failed = scanner.document()
  const positionAt = positionsIn(text)
  if (failed !== undefined) return { ok: false, position: positionAt(failed.at), ...failed.mistake }
  const value = parseJsonWithOddNumbersAsText(text)
  if (!isJsonObject(value)) {
    const problem = value === undefined ? 'is not JSON' : 'is JSON, but not an object'
    return { ok: false, position: { line: 1, column: 1 }, problem, remedy: 'Begin with "{" and end with "}".' }
  }
  const positions = new Map([...scanner.keys].map(([path, at]) => [path, positionAt(at)]))
  return { ok: true, value, positions, repeated: scanner.repeated }
}

interface Mistake {
  readonly problem: string
  readonly remedy: string
}

/** Thrown inside the scanner only; carries the offset of the mistake. */
class ScanFailure extends Error {
  readonly at: number
  readonly mistake: Mistake

  constructor(at: number, problem: string, remedy: string) {
    super(problem)
    this.at = at
    this.mistake = { problem, remedy }
  }
}

/** Replaces a path that is not remembered. */
const tooLong = 'x'.repeat(maxPathLength + 1)

const literal = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids exactly these in strings
const stringBody = /(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*/y

class Scanner {
  readonly keys = new Map<string, number>()
  readonly repeated: Repeated[] = []
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  document(): ScanFailure | undefined {
    try {
      this.#value('', 0)
      if (this.#next() !== undefined) this.#fail('has something after its end', 'Remove what follows the last "}".')
      return undefined
    } catch (error) {
      if (error instanceof ScanFailure) return error
      throw error
    }
  }

  #fail(problem: string, remedy: string, at = this.#at): never {
    throw new ScanFailure(at, problem, remedy)
  }

  /** The next character that is not white space, or undefined at the end. */
  #next(): string | undefined {
    while (' \t\n\r'.includes(this.#text[this.#at] ?? 'x')) this.#at++
    const character = this.#text[this.#at]
    if (character === '/' || character === '#') this.#fail('holds a comment', 'JSON has no comments: remove it.')
    return character
  }

  #value(path: string, depth: number): void {
    if (depth > maxDepth) this.#fail('is nested too deeply', `Use at most ${maxDepth} levels.`)
    const character = this.#next()
    if (character === undefined && this.#text.trim() === '')
      this.#fail('is empty', 'Write { } with the settings in it, or put back a copy.')
    if (character === undefined) this.#fail('ends too early', 'Close every { and [ and add the missing value.')
    if (character === '{') this.#members(path, depth, '}')
    else if (character === '[') this.#members(path, depth, ']')
    else if (character === '"') this.#string()
    else this.#literal()
  }

  #literal(): void {
    literal.lastIndex = this.#at
    const found = literal.exec(this.#text)
    if (found === null) this.#fail('has no value here', 'Write a value; put text in double quotes.')
    this.#at += found[0].length
    if (/[\w.+-]/.test(this.#text[this.#at] ?? ' '))
      this.#fail('has a value that is not JSON', 'Put text in double quotes; write numbers in plain digits.')
  }

  /** The members of an object or the items of a list. */
  #members(path: string, depth: number, end: '}' | ']'): void {
    this.#at++
    // Of this object alone: a section that its object has twice is reported with all that is in it.
    const values = new Map<string, string>()
    if (this.#next() === end) {
      this.#at++
      return
    }
    for (let index = 0; ; index++) {
      const name = end === ']' ? String(index) : this.#key()
      const inner = path === '' ? name : `${path}.${name}`
      const isRemembered = inner.length <= maxPathLength
      if (end === '}') this.#colon()
      const start = this.#skipped()
      if (isRemembered) this.keys.set(inner, end === '}' ? this.#keyAt : start)
      // A path that is too long stays so below: it need not grow any further.
      this.#value(isRemembered ? inner : tooLong, depth + 1)
      if (isRemembered && end === '}') this.#compare(values, name, inner, this.#text.slice(start, this.#at))
      const character = this.#next()
      if (character === end) {
        this.#at++
        return
      }
      if (character === undefined) this.#fail('ends too early', `Add the missing "${end}".`)
      if (character !== ',') this.#fail('misses a comma', `Put a comma before this, or "${end}".`)
      const comma = this.#at++
      if (this.#next() === end) this.#fail('has a comma too many', `Remove the comma before "${end}".`, comma)
    }
  }

  #keyAt = 0

  #key(): string {
    if (this.#next() !== '"') this.#fail('has no key here', 'Write the key in double quotes, then a colon.')
    this.#keyAt = this.#at
    return this.#string()
  }

  #colon(): void {
    if (this.#next() !== ':') this.#fail('misses a colon', 'Put a colon between the key and its value.')
    this.#at++
  }

  #skipped(): number {
    this.#next()
    return this.#at
  }

  #compare(values: Map<string, string>, name: string, path: string, value: string): void {
    const before = values.get(name)
    if (before !== undefined)
      this.repeated.push({ path, differs: before !== value && meaning(before) !== meaning(value) })
    values.set(name, value)
  }

  #string(): string {
    const start = this.#at
    stringBody.lastIndex = start + 1
    const body = stringBody.exec(this.#text)
    const end = start + 1 + (body?.[0].length ?? 0)
    if (this.#text[end] === '"') {
      this.#at = end + 1
      const value = parseJson(this.#text.slice(start, this.#at))
      return typeof value === 'string' ? value : ''
    }
    if (this.#text[end] === '\\')
      this.#fail('has a "\\" in a text that starts no known escape', 'Write "\\\\" for a backslash.', end)
    return this.#fail('has a text that does not end in its line', 'Add the closing double quote.', start)
  }
}

/** JSON text without insignificant white space. */
function meaning(text: string): string {
  return JSON.stringify(parseJsonWithOddNumbersAsText(text))
}

/** Finds the positions of offsets, each in few steps: a file may have very many keys. */
function positionsIn(text: string): (at: number) => TextPosition {
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return at => {
    let [low, high] = [0, starts.length]
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if ((starts[middle] ?? 0) <= at) low = middle
      else high = middle
    }
    return { line: low + 1, column: at - (starts[low] ?? 0) + 1 }
  }
}
