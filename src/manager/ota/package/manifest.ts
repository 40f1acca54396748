// SPDX-License-Identifier: Apache-2.0
import { isJsonObject, type Json, type JsonObject, jsonProblem, parseJson } from '../../../base/json.ts'
import { Status } from '../../../protocol/status.ts'
import { manifestName } from './package-names.ts'
import { keyIdOf } from './signature.ts'
import { UpdateError } from './update-error.ts'

/** How a healthy device is recognized after the update. */
export interface HealthCheck {
  /** How long it may take to reach the cloud again, seconds. */
  readonly timeoutS: number
  /** A shell command that must end with 0 besides. */
  readonly command?: string
}

/** `update.json` [TR50 7.3]: the instructions of a package. */
export interface UpdateManifest {
  readonly preInstall: string
  readonly install: string
  readonly postInstall: string
  readonly errorAction: string
  readonly reboot: boolean
  readonly name?: string
  readonly version?: string
  /** Goes up with every package of one name; an older one than the last installed is refused. */
  readonly release?: number
  /** Longest time that each script may take, seconds. */
  readonly scriptTimeoutS: number
  readonly healthCheck?: HealthCheck
  /** Path in the package of a new executable of the agent itself. */
  readonly agent?: string
  /** The id of the key whose signature was accepted; only once the package is admitted. */
  readonly signedBy?: string
  /** Ids of keys that stop being good when the package is installed; only with `signedBy`. */
  readonly revokes?: readonly string[]
}

/** The parts of `update.json` that are checked when the package is unpacked, and not needed afterwards. */
export interface ManifestRules {
  /** SHA-256 by path, lower-case hex; absent: nothing is promised about the files. */
  readonly files?: ReadonlyMap<string, string>
  readonly compatibility: ReadonlyMap<string, readonly string[]>
  /** From then on no device takes the package, milliseconds since 1970. */
  readonly expiresMs?: number
  /** The only devices that it is meant for, by their ids; absent: all. */
  readonly devices?: readonly string[]
  /** Ids of the keys that it revokes. */
  readonly revokes: readonly string[]
}

/** The largest `update.json`. */
export const maxManifestBytes = 1024 * 1024
const maxCommandBytes = 64 * 1024
const defaultScriptTimeoutS = 3600
const longestScriptTimeoutS = 7 * 86_400
const defaultHealthTimeoutS = 300
const maxDevices = 10_000
const maxDeviceIdBytes = 64
/** Every known field. */
export const manifestKeys: readonly string[] = [
  'install',
  'pre_install',
  'post_install',
  'error_action',
  'reboot',
  'script_timeout',
  'health_check',
  'agent',
  'name',
  'version',
  'description',
  'release',
  'expires',
  'devices',
  'revokes',
  'files',
  'compatibility',
]

/** Most keys that one package may revoke. */
const maxRevokes = 32

/** A manifest cannot be used; the message says what is wrong in it. */
export class ManifestError extends UpdateError {
  constructor(problem: string) {
    super('PACKAGE_INVALID', Status.IoError, `${manifestName}: ${problem}.`)
  }
}

/** Parses `update.json`. Throws {@link ManifestError}. */
export function parseManifest(text: string): { manifest: UpdateManifest; rules: ManifestRules } {
  // Editors on Windows put a byte order mark in front.
  const value = parseJson(text.replace(/^\ufeff/, ''))
  if (value === undefined) throw new ManifestError(`it is not a JSON object: it is ${jsonProblem(text)}`)
  if (!isJsonObject(value)) throw new ManifestError('it is not a JSON object')
  const install = command(value, 'install')
  if (install === '') throw new ManifestError('"install" is missing: the command that installs the package')
  const name = optionalText(value, 'name')
  const version = optionalText(value, 'version')
  const agent = agentOf(value.agent)
  // A new agent has a health check in any case.
  const healthCheck = healthOf(value.health_check) ?? (agent === undefined ? undefined : healthOf(true))
  const files = filesOf(value.files)
  const release = releaseOf(value.release)
  const expiresMs = expiresOf(value.expires)
  const devices = devicesOf(value.devices)
  return {
    manifest: {
      preInstall: command(value, 'pre_install'),
      install,
      postInstall: command(value, 'post_install'),
      errorAction: command(value, 'error_action'),
      reboot: isYes(value.reboot),
      scriptTimeoutS: seconds(value.script_timeout, 'script_timeout', defaultScriptTimeoutS, longestScriptTimeoutS),
      ...(name === undefined ? {} : { name }),
      ...(version === undefined ? {} : { version }),
      ...(release === undefined ? {} : { release }),
      ...(healthCheck === undefined ? {} : { healthCheck }),
      ...(agent === undefined ? {} : { agent }),
    },
    rules: {
      ...(files === undefined ? {} : { files }),
      compatibility: compatibilityOf(value.compatibility),
      ...(expiresMs === undefined ? {} : { expiresMs }),
      ...(devices === undefined ? {} : { devices }),
      revokes: revokesOf(value.revokes),
    },
  }
}

function command(value: JsonObject, key: string): string {
  const text = value[key]
  if (text === undefined || text === null) return ''
  if (typeof text !== 'string') throw new ManifestError(`"${key}" must be text, a shell command`)
  if (text.includes('\0')) throw new ManifestError(`"${key}" has a NUL character in it`)
  if (Buffer.byteLength(text) > maxCommandBytes)
    throw new ManifestError(`"${key}" is longer than ${maxCommandBytes} bytes`)
  return text.trim()
}

function optionalText(value: JsonObject, key: string): string | undefined {
  const text = value[key]
  if (typeof text === 'number') return String(text)
  return typeof text === 'string' && text !== '' ? text.slice(0, 256) : undefined
}

/** `"yes"` in any case, and true [O17]; anything else is no. */
function isYes(value: Json | undefined): boolean {
  return value === true || (typeof value === 'string' && /^\s*(?:yes|true)\s*$/i.test(value))
}

function seconds(value: Json | undefined, key: string, otherwise: number, most: number): number {
  if (value === undefined || value === null) return otherwise
  if (typeof value !== 'number' || !(value > 0 && value <= most))
    throw new ManifestError(`"${key}" must be a number of seconds above 0, at most ${most}`)
  return value
}

function healthOf(value: Json | undefined): HealthCheck | undefined {
  if (value === undefined || value === null || value === false) return undefined
  if (value === true) return { timeoutS: defaultHealthTimeoutS }
  if (!isJsonObject(value))
    throw new ManifestError('"health_check" must be true, or an object with timeout and command')
  const own = command(value, 'command')
  return {
    timeoutS: seconds(value.timeout, 'health_check.timeout', defaultHealthTimeoutS, 86_400),
    ...(own === '' ? {} : { command: own }),
  }
}

function filesOf(value: Json | undefined): ReadonlyMap<string, string> | undefined {
  if (value === undefined || value === null) return undefined
  if (!isJsonObject(value)) throw new ManifestError('"files" must be an object of SHA-256 sums by path')
  const files = new Map<string, string>()
  for (const [path, sum] of Object.entries(value)) {
    if (typeof sum !== 'string' || !/^[0-9a-f]{64}$/i.test(sum))
      throw new ManifestError(`the sum of ${JSON.stringify(path)} in "files" is not 64 hexadecimal digits`)
    files.set(path, sum.toLowerCase())
  }
  return files
}

function agentOf(value: Json | undefined): string | undefined {
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value !== 'string') throw new ManifestError('"agent" must be the path of an executable in the package')
  return value.replace(/^(?:\.\/)+/, '')
}

function releaseOf(value: Json | undefined): number | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw new ManifestError('"release" must be a whole number from 0 that goes up with every package')
  return value
}

const timePattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})$/

function expiresOf(value: Json | undefined): number | undefined {
  if (value === undefined || value === null || value === '') return undefined
  const ms = typeof value === 'string' && timePattern.test(value) ? Date.parse(value) : Number.NaN
  if (Number.isNaN(ms)) throw new ManifestError('"expires" must be a time with its zone, as "2030-01-31T12:00:00Z"')
  return ms
}

function devicesOf(value: Json | undefined): readonly string[] | undefined {
  if (value === undefined || value === null) return undefined
  if (!Array.isArray(value) || value.length === 0 || value.length > maxDevices)
    throw new ManifestError(`"devices" must be a list of 1 to ${maxDevices} device ids`)
  return value.map(id => {
    if (typeof id === 'string' && id !== '' && Buffer.byteLength(id) <= maxDeviceIdBytes) return id
    throw new ManifestError(`"devices" must hold device ids, texts of 1 to ${maxDeviceIdBytes} bytes`)
  })
}

function revokesOf(value: Json | undefined): readonly string[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value) || value.length > maxRevokes)
    throw new ManifestError(`"revokes" must be a list of at most ${maxRevokes} public keys`)
  const ids = value.map(key => {
    const id = typeof key === 'string' ? keyIdOf(key) : undefined
    if (id !== undefined) return id
    throw new ManifestError('"revokes" must hold public keys as "device-cloud ota keygen" prints them, or their ids')
  })
  return [...new Set(ids)]
}

function compatibilityOf(value: Json | undefined): ReadonlyMap<string, readonly string[]> {
  const rules = new Map<string, readonly string[]>()
  if (!isJsonObject(value)) return rules
  for (const [key, wanted] of Object.entries(value)) {
    const list = (Array.isArray(wanted) ? wanted : [wanted]).filter(one => typeof one === 'string' && one.trim() !== '')
    if (list.length > 0)
      rules.set(
        key,
        list.map(one => String(one).trim()),
      )
  }
  return rules
}
