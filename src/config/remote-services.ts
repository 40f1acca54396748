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
  const position = file.positionOf(key)
  const problems: ConfigProblem[] = []
  const notes: ConfigNote[] = []
  const wrong = (at: string, problem: string, expected: string) => {
    // A missing member has no position: its entry has one.
    const where = lineOf(file.positionOf(at) ?? file.positionOf(at.slice(0, at.lastIndexOf('.'))) ?? position)
    problems.push({ file: file.path, ...where, key: at, problem, expected, remedy: `Write ${expected}.` })
    return undefined
  }
  const example = 'a list such as [{"name": "SSH", "port": 22}]'
  if (!Array.isArray(raw) || raw.length > max) {
    wrong(key, Array.isArray(raw) ? `has more than ${max} entries` : 'is not a list', example)
    return { services: [], problems, notes }
  }
  const services = raw.map((item: unknown, index): RemoteAccessService | undefined => {
    const at = `${key}.${index}`
    if (!isJsonObject(item)) return wrong(at, 'is not an object', '{"name", "port"}')
    const read = (name: keyof typeof types): string | number | undefined => {
      const value = item[name]
      if (value === undefined || value === null || value === '') return undefined
      const checked = checkValue({ type: types[name] }, value, { baseFolder: file.folder })
      if (!checked.ok) return wrong(`${at}.${name}`, `is ${checked.found}`, checked.expected)
      return typeof checked.value === 'number' ? checked.value : String(checked.value)
    }
    const before = problems.length
    const [nameRead, portRead, timeoutRead, userRead] = [
      read('name'),
      read('port'),
      read('session_timeout'),
      read('user'),
    ]
    const command = readCommand(item.command)
    if (command === 'wrong') return wrong(`${at}.command`, 'is not a command', commandSyntax)
    const mistaken = command === undefined ? undefined : mistakenMember(item)
    // The command would run as the agent's user, who may do more than the user that was meant.
    if (mistaken !== undefined)
      return wrong(`${at}.${mistaken}`, 'does not say as whom the command runs', 'a "user", or leave it out')
    if (userRead !== undefined && command === undefined)
      return wrong(`${at}.user`, `has no command beside it${instead(item, 'command')}`, 'a command that this user runs')
    if (problems.length > before) return undefined
    if (typeof portRead !== 'number')
      return wrong(`${at}.port`, `is missing${instead(item, 'port')}`, 'a whole number from 1 to 65535')
    notes.push(...misspeltMembers(item).map(([written, meant]) => noteOf(file, at, written, meant)))
    return {
      name: String(nameRead ?? portRead),
      port: portRead,
      ...(typeof timeoutRead === 'number' ? { sessionTimeoutS: timeoutRead } : {}),
      ...(command === undefined ? {} : { command }),
      ...(userRead === undefined ? {} : { user: String(userRead) }),
      raw: item,
    }
  })
  const origin: Origin = { source: 'file', file: file.path, line: position?.line ?? 1 }
  return { services: services.filter(service => service !== undefined), problems, notes, origin }
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
