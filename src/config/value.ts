// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path'
import { isList, type ListKind, type SettingType, type SettingValue, type ValueRule } from './setting.ts'
import { isWeakKey } from './weak-key.ts'

/** An accepted value, or what was expected and found instead. `found` is absent where it could show a secret. */
export type Checked =
  | { readonly ok: true; readonly value: SettingValue }
  | { readonly ok: false; readonly expected: string; readonly found?: string | undefined }

export interface ValueContext {
  /** Folder at which relative paths start. */
  readonly baseFolder: string
  /** The value is text from an environment variable: lists are comma-separated, yes and no have more spellings. */
  readonly fromEnvironment?: boolean
}

/** Checks one raw value against its rule, such as a row of the table. */
export function checkValue(rule: ValueRule, raw: unknown, context: ValueContext): Checked {
  const value = parse(rule.type, raw, context)
  if (value !== undefined) return { ok: true, value }
  const expected = expectation(rule.type)
  const found = rule.secret ? undefined : describeValue(rule.type, raw, context)
  return { ok: false, expected, found }
}

/** A sentence part that says what a type accepts. Also used in the documents. */
export function expectation(type: SettingType): string {
  switch (type.kind) {
    case 'text':
      return 'a text'
    case 'host':
      return 'a host name or address, without scheme, port or path'
    case 'integer':
      return `a whole number from ${type.min} to ${type.max}`
    case 'number':
      return `a number from ${type.min} to ${type.max}`
    case 'boolean':
      return 'true or false'
    case 'choice':
      return `one of ${type.choices.join(', ')}`
    case 'path':
      return 'a path'
    case 'texts':
      return 'a list of texts'
    case 'paths':
      return 'a list of paths'
    case 'addresses':
      return 'a list of HOST:PORT, an IPv6 address in brackets'
    case 'keys':
      return 'a list of keys such as "ed25519:...", as "device-cloud ota keygen" prints them'
    case 'hosts':
      return 'a list of host names, addresses or *.DOMAIN (of two labels or more), without scheme or port'
    case 'services':
      return 'a list of {"name", "port", "session_timeout"}'
  }
}

function parse(type: SettingType, raw: unknown, context: ValueContext): SettingValue | undefined {
  switch (type.kind) {
    case 'text':
      return parseText(raw)
    case 'host':
      return parseHost(raw)
    case 'integer':
    case 'number':
      return parseNumber(type, raw)
    case 'boolean':
      return parseBoolean(raw, context.fromEnvironment === true)
    case 'choice':
      return parseChoice(type, raw)
    case 'path':
      return parsePath(raw, context.baseFolder)
    case 'texts':
    case 'paths':
    case 'addresses':
    case 'hosts':
    case 'keys':
      return parseList(type.kind, raw, context)
    case 'services':
      return undefined
  }
}

const maxTextBytes = 16 * 1024

/** Text stays text: the Python agent turned a token "true" into a boolean. A password of digits may be written without quotes. */
function parseText(raw: unknown): string | undefined {
  if (Number.isSafeInteger(raw)) return String(raw)
  if (typeof raw !== 'string' || raw.length > maxTextBytes || raw.includes('\0')) return undefined
  return raw
}

/** Names with `_` exist in private networks; an IPv6 address may stand in brackets. */
function parseHost(raw: unknown): string | undefined {
  if (typeof raw !== 'string') return undefined
  const text = raw.trim()
  const bare = /^\[(.*)\]$/.exec(text)?.[1] ?? text
  // Checked before the expressions, which try a long text without an address in many ways.
  if (bare.length > 253) return undefined
  const isName = /^[\p{L}\p{N}_](?:[\p{L}\p{N}_.-]*[\p{L}\p{N}_.])?$/u.test(bare)
  const isIpv6 = /^[0-9a-fA-F:.]*:[0-9a-fA-F:.]*:[0-9a-fA-F:.]*(?:%[\w.-]+)?$/.test(bare)
  return isName || isIpv6 ? bare : undefined
}

function parseAddress(raw: unknown): string | undefined {
  const [, name, port] = /^(\[[^\]]+\]|[^:[\]]+):(\d{1,5})$/.exec(typeof raw === 'string' ? raw.trim() : '') ?? []
  const isPort = Number(port) >= 1 && Number(port) <= 65_535
  return isPort && parseHost(name) !== undefined ? `${name}:${Number(port)}` : undefined
}

/** A wildcard covers a domain that can have one owner, so never a whole top level. */
function parseHostPattern(raw: unknown): string | undefined {
  const domain = typeof raw === 'string' ? /^\*\.(.+)$/.exec(raw.trim())?.[1] : undefined
  if (domain === undefined) return parseHost(raw)
  const isDomain = /^[^.]+(?:\.[^.]+)+$/.test(domain) && !/\.[0-9]+$/.test(domain) && !domain.includes(':')
  return isDomain && parseHost(domain) !== undefined ? `*.${domain}` : undefined
}

function parseNumber(type: { kind: 'integer' | 'number'; min: number; max: number }, raw: unknown) {
  const isNumeric = typeof raw === 'string' && /^\s*\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\s*$/.test(raw)
  const value = isNumeric ? Number(raw) : raw
  if (typeof value !== 'number' || !(value >= type.min && value <= type.max)) return undefined
  return type.kind === 'integer' && !Number.isInteger(value) ? undefined : value
}

/** In files only true and false count, also as text: `"no"` was true for the Python agent, and must not switch checks off. */
function parseBoolean(raw: unknown, fromEnvironment: boolean): boolean | undefined {
  if (typeof raw === 'boolean') return raw
  if (typeof raw !== 'string') return undefined
  const text = raw.trim().toLowerCase()
  if (text === 'true' || text === 'false') return text === 'true'
  if (fromEnvironment && ['1', 'yes', 'on'].includes(text)) return true
  if (fromEnvironment && ['0', 'no', 'off'].includes(text)) return false
  return undefined
}

function parseChoice(
  type: { choices: readonly string[]; aliases?: Readonly<Record<string, string>> },
  raw: unknown,
): string | undefined {
  if (typeof raw !== 'string') return undefined
  const text = raw.trim().toLowerCase()
  const alias = Object.entries(type.aliases ?? {}).find(([name]) => name === text)?.[1]
  return alias ?? type.choices.find(choice => choice === text)
}

function parsePath(raw: unknown, baseFolder: string): string | undefined {
  const text = typeof raw === 'string' ? parseText(raw) : undefined
  return text === undefined || text === '' ? undefined : resolve(baseFolder, text)
}

/** 32 bytes in base64, of either alphabet, and no key that anyone can sign for. */
function parseKey(raw: unknown): string | undefined {
  const text = typeof raw === 'string' ? raw.trim() : ''
  const [, encoded] = /^ed25519:([A-Za-z0-9+/_-]{43}=?)$/.exec(text) ?? []
  return encoded !== undefined && !isWeakKey(Buffer.from(encoded, 'base64')) ? text : undefined
}

const maxItems = 1000

function parseList(kind: ListKind, raw: unknown, context: ValueContext): readonly string[] | undefined {
  const items = itemsOf(raw, context)
  if (items === undefined || items.length > maxItems) return undefined
  const values = items.map(item => parseItem(kind, item, context))
  return values.every(value => value !== undefined && value !== '') ? values.map(String) : undefined
}

function parseItem(kind: ListKind, item: unknown, { baseFolder }: ValueContext): string | undefined {
  switch (kind) {
    case 'texts':
      return parseText(item)
    case 'paths':
      return parsePath(item, baseFolder)
    case 'addresses':
      return parseAddress(item)
    case 'hosts':
      return parseHostPattern(item)
    case 'keys':
      return parseKey(item)
  }
}

/** Commas alone are no list: they come from a script with empty variables, which does not mean "nothing". */
function itemsOf(raw: unknown, { fromEnvironment }: ValueContext): readonly unknown[] | undefined {
  if (Array.isArray(raw)) return raw
  if (!fromEnvironment || typeof raw !== 'string') return undefined
  const items = raw.split(',').map(item => item.trim())
  const given = items.filter(item => item !== '')
  return given.length === 0 ? undefined : given
}

function describeValue(type: SettingType, raw: unknown, context: ValueContext): string {
  const items = isList(type) ? itemsOf(raw, context) : undefined
  if (items === undefined || !isList(type)) return describe(raw)
  if (items.length > maxItems) return `a list of more than ${maxItems} items`
  const { kind } = type
  const wrong = items.findIndex(item => !parseItem(kind, item, context))
  return `a list whose item ${wrong + 1} is ${describe(items[wrong])}`
}

/** A short description of what was found; a text that may carry a login (a URL) is not quoted. */
function describe(raw: unknown): string {
  if (typeof raw === 'string') {
    if (raw.includes('@') || raw.includes('://')) return 'a URL'
    return raw.length > 40 ? `a text of ${raw.length} characters` : JSON.stringify(raw)
  }
  if (Array.isArray(raw)) return 'a list'
  return typeof raw === 'object' && raw !== null ? 'an object' : String(raw)
}
