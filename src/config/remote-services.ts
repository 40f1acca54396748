import { isJsonObject } from '../base/json.ts'
import { type ConfigFile, lineOf } from './config-file.ts'
import type { Setting } from './setting.ts'
import type { ConfigProblem, Origin, RemoteAccessService } from './settings.ts'
import { checkValue } from './value.ts'

const key = 'remote_access_support'
const most = 100

interface RemoteServices {
  readonly services: readonly RemoteAccessService[]
  readonly problems: readonly ConfigProblem[]
  readonly origin?: Origin
}

const member = (name: string, type: Setting['type']): Setting => ({ key: name, file: 'iot', type, sentence: '' })
const name = member('name', { kind: 'text' })
const port = member('port', { kind: 'integer', least: 1, most: 65_535 })
const sessionTimeout = member('session_timeout', { kind: 'number', least: 0, most: 31_536_000 })

/** The list `remote_access_support` of `iot.cfg`: `[{"name": "SSH", "port": "22", "session_timeout": "60"}]`, numbers also as text [TR50 4.5]. */
export function readRemoteServices(file: ConfigFile | undefined): RemoteServices {
  const raw = file?.value[key]
  if (file === undefined || raw === undefined || raw === null || raw === '') return { services: [], problems: [] }
  const place = file.placeOf(key)
  const problems: ConfigProblem[] = []
  const wrong = (at: string, problem: string, expected: string) => {
    // What is missing has no place of its own: its entry has one.
    const where = lineOf(file.placeOf(at) ?? file.placeOf(at.slice(0, at.lastIndexOf('.'))) ?? place)
    problems.push({ file: file.path, ...where, key: at, problem, expected, remedy: `Write ${expected}.` })
    return undefined
  }
  const example = 'a list such as [{"name": "SSH", "port": 22}]'
  if (!Array.isArray(raw) || raw.length > most) {
    wrong(key, Array.isArray(raw) ? `has more than ${most} entries` : 'is not a list', example)
    return { services: [], problems }
  }
  const services = raw.map((item: unknown, index): RemoteAccessService | undefined => {
    const at = `${key}.${index}`
    if (!isJsonObject(item)) return wrong(at, 'is not an object', '{"name", "port"}')
    const read = (setting: Setting): string | number | undefined => {
      const value = item[setting.key]
      if (value === undefined || value === null || value === '') return undefined
      const checked = checkValue(setting, value, { baseFolder: file.folder })
      if (!checked.ok) return wrong(`${at}.${setting.key}`, `is ${checked.found}`, checked.expected)
      return typeof checked.value === 'number' ? checked.value : String(checked.value)
    }
    const before = problems.length
    const [nameRead, portRead, timeoutRead] = [read(name), read(port), read(sessionTimeout)]
    if (problems.length > before) return undefined
    if (typeof portRead !== 'number') return wrong(`${at}.port`, 'is missing', 'a whole number from 1 to 65535')
    return {
      name: String(nameRead ?? portRead),
      port: portRead,
      ...(typeof timeoutRead === 'number' ? { sessionTimeoutS: timeoutRead } : {}),
      raw: item,
    }
  })
  const origin: Origin = { source: 'file', file: file.path, line: place?.line ?? 1 }
  return { services: services.filter(service => service !== undefined), problems, origin }
}
