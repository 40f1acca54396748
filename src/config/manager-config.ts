// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path'
import type { JsonObject } from '../base/json.ts'
import type { FileFacts } from '../platform/files/file-facts.ts'
import type { Environment } from '../platform/process/process-facts.ts'
import { assembleSettings } from './assemble.ts'
import { type Closure, closureOf, isSwitch, partProblems } from './closure.ts'
import { readConfigFile } from './config-file.ts'
import { type EffectiveSetting, effectiveSettings } from './effective.ts'
import { readRemoteServices } from './remote-services.ts'
import type { Setting } from './setting.ts'
import type { ConfigNote, ManagerSettings, Origins } from './settings.ts'
import { environmentSource, fileSource, givenSource } from './sources.ts'
import { settingsOf, settingsTable } from './table.ts'
import { type Document, findUnknownKeys } from './unknown-keys.ts'
import { findUnknownVariables } from './unknown-variables.ts'
import { configError, Values } from './values.ts'

export interface ManagerConfigRequest {
  readonly configDir: string
  /** Settings that take precedence over the environment and the file, in the shape of `iot.cfg`. */
  readonly settings?: JsonObject
  readonly environment: Environment
}

/** A loaded device manager configuration. */
export interface ManagerConfig {
  readonly settings: ManagerSettings
  readonly origins: Origins
  readonly warnings: readonly ConfigNote[]
  /** The capabilities that mistakes in a policy have closed; `settings` do not permit them. */
  readonly closures: readonly Closure[]
  /** Absolute path of `iot.cfg`, whether it exists or not. */
  readonly path: string
  /** The very file that was read; absent when there is none. */
  readonly opened?: FileFacts | undefined
  /** The same as `settings`, to be shown to people: row by row with its origin. */
  readonly effective: readonly EffectiveSetting[]
}

/**
 * The device manager's settings from `iot.cfg` in the configuration folder; without that file, the defaults. A mistake in a
 * policy closes what the policy decides; any other mistake ends the start.
 *
 * @throws AgentError `CONFIG_INVALID` with every mistake
 */
export async function loadManagerConfig(request: ManagerConfigRequest): Promise<ManagerConfig> {
  const path = resolve(request.configDir, 'iot.cfg')
  const read = await readConfigFile(path)
  const given: Document = { path: 'command line', value: request.settings ?? {}, positionOf: () => undefined }
  const keys = (read.file === undefined ? [given] : [given, read.file]).map(file => findUnknownKeys(file, 'iot'))
  const added = [...new Set(keys.flatMap(found => found.addedSwitches))].map(addedSwitch)
  const rows = [...settingsOf('iot'), ...added]
  const sources = [givenSource(request.settings ?? {}, 'command line'), environmentSource(request.environment)]
  if (read.file !== undefined) sources.push(fileSource(read.file))
  const values = new Values(rows, sources, request.configDir)
  const services = readRemoteServices(read.file)
  const problems = [read, values, services, ...keys].flatMap(found => found.problems)
  const { fatal, closures } = partProblems(problems)
  const variables = findUnknownVariables(request.environment, [...settingsTable, ...added])
  closures.push(...variables.closures.filter(({ capability }) => isSwitch(capability)))
  closures.push(...keys.flatMap(found => found.closures))
  const isBroken = read.exists && read.file === undefined
  const notes = [read, values, services, ...keys].flatMap(found => found.notes)
  if (fatal.length > 0 || isBroken)
    throw configError([...fatal, ...closures.map(({ problem }) => problem)], undefined, notes)
  values.close(rows, closures)
  if (!read.exists) {
    const problem = 'does not exist: the defaults hold'
    notes.push({ level: 'debug', file: path, problem, remedy: 'Write the file to change them.' })
  }
  if (services.origin !== undefined) values.origins.set('remote_access_support', services.origin)
  const offered = closureOf(closures, 'remote_access') === undefined ? services.services : []
  const valueFor = ({ key, type }: Setting) => (type.kind === 'services' ? offered : values.get(key))
  const settings = assembleSettings('iot', valueFor, added)
  const effective = effectiveSettings(rows, values)
  const file = { path, opened: read.opened }
  return { settings, origins: values.origins, warnings: notes, closures, ...file, effective }
}

/** The switch of an action that the owner of the device adds. */
function addedSwitch(name: string): Setting {
  return {
    key: `actions_enabled.${name}`,
    property: `actionsEnabled.${name}`,
    file: 'iot',
    type: { kind: 'boolean' },
    closed: false,
    reload: 'live',
    sentence: '',
  }
}
