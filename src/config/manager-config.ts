import { resolve } from 'node:path'
import { isJsonObject, type JsonObject } from '../base/json.ts'
import { logLevels } from '../base/log.ts'
import type { FileFacts } from '../platform/file-facts.ts'
import type { Environment } from '../platform/process-facts.ts'
import { type Closure, closureOf, partProblems } from './closure.ts'
import { type ConfigFile, readConfigFile } from './config-file.ts'
import { type EffectiveSetting, effectiveSettings } from './effective.ts'
import { readRemoteServices } from './remote-services.ts'
import type { ConfigNote, ManagerSettings, Origins } from './settings.ts'
import { environmentSource, fileSource, flagSource } from './sources.ts'
import { settingsOf } from './table.ts'
import { findUnknownKeys } from './unknown-keys.ts'
import { configError, Values } from './values.ts'

export interface ManagerConfigRequest {
  readonly configDir: string
  /** Settings that go before the environment and the file, shaped as `iot.cfg`. */
  readonly settings?: JsonObject
  readonly environment: Environment
}

/** A loaded device manager configuration. */
export interface ManagerConfig {
  readonly settings: ManagerSettings
  readonly origins: Origins
  readonly warnings: readonly ConfigNote[]
  /** What mistakes in the settings of a policy have closed; `settings` permit it no more. */
  readonly closures: readonly Closure[]
  /** Absolute path of `iot.cfg`, whether it exists or not. */
  readonly path: string
  /** The very file that was read; absent when there is none. */
  readonly opened?: FileFacts
  /** The same as `settings`, for people: row by row with origin. */
  readonly effective: readonly EffectiveSetting[]
}

/**
 * The device manager's settings from `iot.cfg` in the configuration folder; without one, the defaults. A mistake in a setting
 * of a policy closes what that setting decides; any other one ends the start.
 *
 * @throws AgentError `CONFIG_INVALID` with every mistake
 */
export async function loadManagerConfig(request: ManagerConfigRequest): Promise<ManagerConfig> {
  const path = resolve(request.configDir, 'iot.cfg')
  const read = await readConfigFile(path)
  const rows = settingsOf('iot')
  const sources = [flagSource(request.settings ?? {}), environmentSource(request.environment)]
  if (read.file !== undefined) sources.push(fileSource(read.file))
  const values = new Values(rows, sources)
  const services = readRemoteServices(read.file)
  const unknown = read.file === undefined ? { notes: [], problems: [] } : findUnknownKeys(read.file, rows)
  const problems = [...read.problems, ...values.problems, ...unknown.problems, ...services.problems]
  const { fatal, closures } = partProblems(problems)
  if (fatal.length > 0) throw configError(problems)
  values.close(rows, closures)
  const notes = [...read.notes, ...values.notes, ...unknown.notes]
  if (!read.exists) {
    const problem = 'does not exist: the defaults hold'
    notes.push({ level: 'debug', file: path, problem, remedy: 'Write one to change them.' })
  }
  if (services.origin !== undefined) values.origins.set('remote_access_support', services.origin)
  const actionsEnabled = readActions(values, read.file)
  const offered = closureOf(closures, 'remote_access') === undefined ? services.services : []
  const settings = assemble(values, request.configDir, actionsEnabled, offered)
  const effective = effectiveSettings('iot', values).map(row =>
    // The default is told as it is in effect, too: from where it starts.
    row.key === 'runtime_dir' ? { ...row, value: settings.runtimeDir } : row,
  )
  const { opened } = read
  const file = opened === undefined ? { path } : { path, opened }
  return { settings, origins: values.origins, warnings: notes, closures, ...file, effective }
}

const actionPrefix = 'actions_enabled.'

/** The known switches, and those of the file that are not known (each has a note). */
function readActions(values: Values, file: ConfigFile | undefined): Record<string, boolean> {
  const enabled: Record<string, boolean> = {}
  const section = file?.value.actions_enabled
  for (const [name, value] of Object.entries(isJsonObject(section) ? section : {})) {
    if (typeof value === 'boolean') enabled[name] = value
  }
  for (const { key } of settingsOf('iot')) {
    if (key.startsWith(actionPrefix)) enabled[key.slice(actionPrefix.length)] = values.boolean(key)
  }
  return enabled
}

function assemble(
  values: Values,
  configDir: string,
  actionsEnabled: Record<string, boolean>,
  remoteAccessSupport: ManagerSettings['remoteAccessSupport'],
): ManagerSettings {
  const logLevel = values.choice('log_level', logLevels)
  const name = values.text('thing_friendly_name')
  const memorySoftLimitMb = values.number('memory_soft_limit')
  return {
    // A given path is absolute by now; the default starts at the configuration folder.
    runtimeDir: resolve(configDir, values.text('runtime_dir') ?? 'runtime'),
    ...(logLevel === undefined ? {} : { logLevel }),
    actionsEnabled,
    waitForFileTransfer: values.boolean('wait_for_file_transfer'),
    downloadTimeoutS: values.number('download_timeout') ?? 0,
    uploadRemoveOnSuccess: values.boolean('upload_remove_on_success'),
    uploadTarFile: values.boolean('upload_tar_file'),
    ...(name === undefined || name === 'None' ? {} : { thingFriendlyName: name }),
    healthIntervalS: values.number('health_interval') ?? 0,
    ...(memorySoftLimitMb === undefined ? {} : { memorySoftLimitMb }),
    discoverServicesOnInit: values.boolean('discover_services_on_init'),
    remoteAccessSupport,
  }
}
