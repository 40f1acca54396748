// SPDX-License-Identifier: Apache-2.0
import { AgentError, messageOf, withoutStop } from '../../base/errors.ts'
import { isJsonObject, type Json, type JsonObject, parseJson } from '../../base/json.ts'
import { readBoundedText } from '../../platform/files/read-file.ts'
import type { OwnIdentity } from '../../platform/owners/own-identity.ts'
import { weakSpotsOn } from '../../platform/owners/weak-spots.ts'
import { parsePublicKey } from '../ota/index.ts'
import { type RootStep, rootSteps } from './root-request.ts'

/** The configuration of root: what it may do for a manager that runs as a named user. */
export const rootConfigPath = '/etc/device-cloud-root.cfg'

/** What root does for the manager, and for whom. Paths are absolute. */
export interface RootConfig {
  /** The user of the manager: only that user's requests count. */
  readonly user: string
  /** The manager's `runtime_dir`, with its requests and packages. */
  readonly stateDir: string
  /** Root's own folder: packages that are installed, their journal, and the results. */
  readonly workDir: string
  readonly steps: readonly RootStep[]
  /** Keys that a package must be signed with. */
  readonly publicKeys: readonly string[]
  /** Names that a package may have, as `ota.names`. */
  readonly names: readonly string[]
  /** The id of this device, for packages that are meant for some: root must not trust an id that the manager's user could write. */
  readonly deviceId?: string
  /** Whether an operator's `extra_params` reach the scripts that root runs. */
  readonly extraParams: boolean
}

const maxBytes = 64 * 1024
const maxItems = 64
const maxIdLength = 64
const keys = ['user', 'state_dir', 'work_dir', 'steps', 'public_keys', 'names', 'device_id', 'extra_params']
const absolute = /^\/(?!.*(?:^|\/)\.{1,2}(?:\/|$))[^\0]+$/

export function rootConfigText(config: RootConfig): string {
  const { user, stateDir, workDir, steps, publicKeys, names, deviceId, extraParams } = config
  const device = deviceId === undefined ? {} : { device_id: deviceId }
  const rows = { user, state_dir: stateDir, work_dir: workDir, steps, public_keys: publicKeys, names, ...device }
  return `${JSON.stringify({ ...rows, extra_params: extraParams }, null, 2)}\n`
}

/**
 * Reads `/etc/device-cloud-root.cfg`; undefined when there is none.
 *
 * @throws AgentError `CONFIG_INVALID`, `FILE_ACCESS`, `LIMIT_EXCEEDED`
 */
export async function readRootConfig(path = rootConfigPath): Promise<RootConfig | undefined> {
  try {
    return parseRootConfig(await readBoundedText(path, maxBytes), path)
  } catch (error) {
    if (error instanceof AgentError && error.code === 'FILE_NOT_FOUND') return undefined
    throw error
  }
}

/**
 * The same for root itself, which trusts only files that root alone can change.
 *
 * @throws AgentError `POLICY_REFUSED` too, with the command that repairs it
 */
export async function trustedRootConfig(path = rootConfigPath): Promise<RootConfig> {
  await assertOnlyRootChanges(path)
  const config = await readRootConfig(path)
  if (config !== undefined) return config
  const message = `${path} does not exist, so root does nothing for the manager. Run: device-cloud service install --user NAME`
  throw new AgentError('CONFIG_INVALID', message)
}

/**
 * Throws `POLICY_REFUSED` when users other than root can change the file at `path`.
 *
 * @param self the identity of root, where another user checks
 */
export async function assertOnlyRootChanges(path: string, self?: OwnIdentity): Promise<void> {
  const [spot] = await weakSpotsOn(path, { self })
  if (spot === undefined) return
  const message = `${path} is refused: ${spot.path} ${spot.why}, and root believes only what root alone can change. Run: ${spot.remedy}`
  throw new AgentError('POLICY_REFUSED', message, { details: { path: spot.path } })
}

/**
 * @param path for the messages
 * @throws AgentError `CONFIG_INVALID`: one mistake closes all of it
 */
export function parseRootConfig(text: string, path = rootConfigPath): RootConfig {
  const value = parseJson(text)
  const wrong = (what: string) =>
    new AgentError('CONFIG_INVALID', `${path}: ${what}. Until that is corrected, root does nothing for the manager.`)
  if (!isJsonObject(value)) throw wrong('it is no JSON object')
  const unknown = Object.keys(value).find(key => !keys.includes(key))
  if (unknown !== undefined) throw wrong(`${JSON.stringify(unknown)} is unknown; the keys are ${keys.join(', ')}`)
  const pathOf = (key: string) => {
    const at = value[key]
    if (typeof at === 'string' && absolute.test(at)) return at
    throw wrong(`"${key}" must be an absolute path without "." and ".."`)
  }
  const { user, names: given = [], device_id: deviceId, extra_params: extraParams = false } = value
  if (typeof user !== 'string' || user === '' || user === 'root') throw wrong('"user" must name a user other than root')
  if (typeof extraParams !== 'boolean') throw wrong('"extra_params" must be true or false')
  const steps = texts(value.steps)?.map(word => rootSteps.find(step => step === word))
  if (steps === undefined || steps.includes(undefined))
    throw wrong(`"steps" must be a list of ${rootSteps.join(', ')}; [] allows none`)
  const publicKeys = keysOf(value, wrong)
  const names = texts(given)
  if (names === undefined || names.length > maxItems) throw wrong(`"names" must be a list of at most ${maxItems} texts`)
  if (deviceId !== undefined && !isId(deviceId))
    throw wrong(`"device_id" must be a text of 1 to ${maxIdLength} characters`)
  const known = steps.filter(step => step !== undefined)
  if (known.includes('install') && publicKeys.length === 0)
    throw wrong('"steps" has install, and "public_keys" names no key that a package could be signed with')
  return {
    user,
    stateDir: pathOf('state_dir'),
    workDir: pathOf('work_dir'),
    steps: known,
    publicKeys,
    names,
    ...(deviceId === undefined ? {} : { deviceId }),
    extraParams,
  }
}

function isId(value: Json): value is string {
  return typeof value === 'string' && value !== '' && value.length <= maxIdLength
}

function keysOf(value: JsonObject, wrong: (what: string) => AgentError): readonly string[] {
  const publicKeys = texts(value.public_keys)
  if (publicKeys === undefined || publicKeys.length > maxItems)
    throw wrong(`"public_keys" must be a list of at most ${maxItems} keys`)
  for (const key of publicKeys) {
    try {
      parsePublicKey(key)
    } catch (error) {
      throw wrong(`"public_keys": ${withoutStop(messageOf(error))}`)
    }
  }
  return publicKeys
}

function texts(value: Json | undefined): readonly string[] | undefined {
  if (!Array.isArray(value)) return undefined
  const found = value.filter(one => typeof one === 'string')
  return found.length === value.length ? found : undefined
}
