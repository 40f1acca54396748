// SPDX-License-Identifier: Apache-2.0
import { isJsonObject, type Json, type JsonObject } from '../base/json.ts'
import { type ConfigFile, lineOf } from './config-file.ts'
import type { SettingType } from './setting.ts'
import type { ConfigNote, ConfigProblem, Origin, RemoteAccessService } from './settings.ts'
import { closestName } from './suggestion.ts'
import { checkValue } from './value.ts'

const key = 'remote_access_support'
const max = 100

interface RemoteServices {
  readonly services: readonly RemoteAccessService[]
  readonly problems: readonly ConfigProblem[]
  /** Unknown members with a name that is close to one of ours. */
  readonly notes: readonly ConfigNote[]
  readonly origin?: Origin
}

/** The members that are single values. */
const types = {
  name: { kind: 'text' },
  port: { kind: 'integer', min: 1, max: 65_535 },
  session_timeout: { kind: 'number', min: 0, max: 31_536_000 },
  user: { kind: 'text' },
} as const satisfies Record<string, SettingType>

/**
 * The list `remote_access_support` of `iot.cfg`: `[{"name": "SSH", "port": "22", "session_timeout": "60"}]`, numbers also
 * as text [TR50 4.5]. With `command`, and perhaps `user`, nothing needs to listen on the port.
 */
export function readRemoteServices(file: ConfigFile | undefined): RemoteServices {
  const raw = file?.value[key]
  if (file === undefined || raw === undefined || raw === null || raw === '')
    return { services: [], problems: [], notes: [] }
  const reader = new ServicesReader(file)
  const services = reader.list(raw)
  const { problems, notes } = reader
  const line = file.positionOf(key)?.line ?? 1
  return { services, problems, notes, origin: { source: 'file', file: file.path, line } }
}

class ServicesReader {
  readonly problems: ConfigProblem[] = []
  readonly notes: ConfigNote[] = []
  readonly #file: ConfigFile

  constructor(file: ConfigFile) {
    this.#file = file
  }

  list(raw: Json): readonly RemoteAccessService[] {
    if (Array.isArray(raw) && raw.length <= max)
      return raw.map((item, index) => this.#entry(item, `${key}.${index}`)).filter(service => service !== undefined)
    const problem = Array.isArray(raw) ? `has more than ${max} entries` : 'is not a list'
    this.#wrong(key, problem, 'a list such as [{"name": "SSH", "port": 22}]')
    return []
  }

  #entry(item: Json, at: string): RemoteAccessService | undefined {
    if (!isJsonObject(item)) return this.#wrong(at, 'is not an object', '{"name", "port"}')
    const before = this.problems.length
    const name = this.#single(item, at, 'name')
    const port = this.#single(item, at, 'port')
    const timeoutS = this.#single(item, at, 'session_timeout')
    const user = this.#single(item, at, 'user')
    const command = this.#command(item, at, user !== undefined)
    if (this.problems.length > before) return undefined
    if (typeof port !== 'number')
      return this.#wrong(`${at}.port`, `is missing${instead(item, 'port')}`, 'a whole number from 1 to 65535')
    this.notes.push(...misspeltMembers(item).map(([written, meant]) => noteOf(this.#file, at, written, meant)))
    return {
      name: String(name ?? port),
      port,
      ...(typeof timeoutS === 'number' ? { sessionTimeoutS: timeoutS } : {}),
      ...(command === undefined ? {} : { command }),
      ...(user === undefined ? {} : { user: String(user) }),
      raw: item,
    }
  }

  #single(item: JsonObject, at: string, name: keyof typeof types): string | number | undefined {
    const value = item[name]
    if (value === undefined || value === null || value === '') return undefined
    const checked = checkValue({ type: types[name] }, value, { baseFolder: this.#file.folder })
    if (!checked.ok) return this.#wrong(`${at}.${name}`, `is ${checked.found}`, checked.expected)
    return typeof checked.value === 'number' ? checked.value : String(checked.value)
  }

  #command(item: JsonObject, at: string, hasUser: boolean): readonly string[] | undefined {
    const command = readCommand(item.command)
    if (command === 'wrong') return this.#wrong(`${at}.command`, 'is not a command', commandSyntax)
    const mistaken = command === undefined ? undefined : mistakenMember(item)
    // The command would run as the agent's user, who may do more than the user that was meant.
    if (mistaken !== undefined)
      return this.#wrong(`${at}.${mistaken}`, 'does not say as whom the command runs', 'a "user", or leave it out')
    if (!hasUser || command !== undefined) return command
    const problem = `has no command beside it${instead(item, 'command')}`
    return this.#wrong(`${at}.user`, problem, 'a command that this user runs')
  }

  #wrong(at: string, problem: string, expected: string): undefined {
    const file = this.#file
    // A missing member has no position: its entry has one.
    const entry = at.slice(0, at.lastIndexOf('.'))
    const position = file.positionOf(at) ?? file.positionOf(entry) ?? file.positionOf(key)
    this.problems.push({
      file: file.path,
      ...lineOf(position),
      key: at,
      problem,
      expected,
      remedy: `Write ${expected}.`,
    })
    return undefined
  }
}

/** How many characters of a name are shown. */
const maxShown = 128
const members = [...Object.keys(types), 'command']

/** Unknown members, each with the missing one that is close to it. */
function misspeltMembers(item: JsonObject): readonly (readonly [written: string, meant: string])[] {
  return Object.keys(item).flatMap(written => {
    const meant = members.includes(written) ? undefined : closestName(written, members)
    return meant === undefined || Object.hasOwn(item, meant) ? [] : [[written.slice(0, maxShown), meant] as const]
  })
}

function instead(item: JsonObject, missing: string): string {
  const [written] = misspeltMembers(item).find(([, meant]) => meant === missing) ?? []
  return written === undefined ? '' : `; "${written}", which is there, is none of its members`
}

/** Only a note: other members are for the portal. */
function noteOf(file: ConfigFile, at: string, written: string, didYouMean: string): ConfigNote {
  return {
    level: 'warn',
    file: file.path,
    ...lineOf(file.positionOf(`${at}.${written}`)),
    key: `${at}.${written}`,
    problem: 'is none of the members that the agent reads',
    remedy: 'Correct its name.',
    didYouMean,
  }
}

/** A member that was meant to name the user of a command, and does not. Other members are for the portal. */
function mistakenMember(item: JsonObject): string | undefined {
  const isEmpty = item.user === null || item.user === ''
  if (isEmpty) return 'user'
  const strange = Object.keys(item).filter(key => !members.includes(key))
  return strange
    .find(key => closestName(key, members) === 'user' || otherUserWords.test(key.replaceAll(/[^A-Za-z]/g, '')))
    ?.slice(0, maxShown)
}

/** Names that other tools use for the user of a command. */
const otherUserWords = /user|run_?as|account|owner|^(?:uid|gid|group|as|login|su|sudo)$/i

const commandSyntax =
  'a list such as ["/usr/sbin/telnetd", "-i"], or a text of such words without quotes and shell signs'
const maxWords = 100

/** A program and its arguments. There is no shell: a text that needs one must be written as a list. */
function readCommand(raw: Json | undefined): readonly string[] | undefined | 'wrong' {
  if (raw === undefined || raw === null || raw === '') return undefined
  const words = typeof raw === 'string' ? wordsOf(raw) : raw
  if (!Array.isArray(words) || words.length === 0 || words.length > maxWords) return 'wrong'
  const texts = words.filter((word): word is string => typeof word === 'string' && !word.includes('\0'))
  return texts.length === words.length && texts[0] !== '' ? texts : 'wrong'
}

function wordsOf(text: string): readonly string[] | undefined {
  if (/["'`$\\|&;<>()*?~#]/.test(text)) return undefined
  return text.trim().split(/\s+/)
}
