import { resolve } from 'node:path'
import { isJsonObject, parseJson } from '../../base/json.ts'
import { findIdentity } from '../../config/identity.ts'
import { type ClientConfig, loadClientConfig } from '../../config/load.ts'
import { loadManagerConfig } from '../../config/manager-config.ts'
import { logSettingsOf } from '../../config/ownership.ts'
import type { Settings } from '../../config/settings.ts'
import { readBoundedText } from '../../platform/files/read-file.ts'
import { weakSpotsOn } from '../../platform/owners/weak-spots.ts'
import { type Environment, userId } from '../../platform/process/process-facts.ts'

/** What is looked at: the places and, as far as they can be read, the settings. */
export interface DiagContext {
  readonly appId: string
  readonly configDir: string
  readonly connectionFile: string
  readonly environment: Environment
  /** Absent when the connection file has a mistake. */
  readonly settings?: Settings
  /** Absent when there is no device id. */
  readonly thingKey?: string
  readonly runtimeDir: string
  readonly queueDir: string
}

/** What the command line says. */
export interface DiagTarget {
  readonly appId: string
  /** Absolute. */
  readonly configDir: string
  /** Name in that folder, or a path. */
  readonly configFile: string
  readonly environment: Environment
}

/** Finds the places also when the configuration is broken: then above all somebody needs to look at them. */
export async function findDiagContext(target: DiagTarget): Promise<DiagContext> {
  const { configDir, environment } = target
  const nothing = () => undefined
  const client = await loadClientConfig(target).catch(nothing)
  const manager = await loadManagerConfig({ configDir, environment }).catch(nothing)
  const identity = await findIdentity(target).catch(nothing)
  const settings = client && (await believed(client))
  return {
    appId: target.appId,
    configDir,
    connectionFile: client?.path ?? resolve(configDir, target.configFile),
    environment,
    ...(settings === undefined ? {} : { settings }),
    ...(identity === undefined ? {} : { thingKey: identity.thingKey }),
    runtimeDir: manager?.settings.runtimeDir ?? (await likelyRuntimeDir(configDir)),
    queueDir: settings?.queue.directory ?? resolve(configDir, 'queue'),
  }
}

/** Root reads no log file that another user has named: it would pack the end of any file. */
async function believed(client: ClientConfig): Promise<Settings> {
  if (userId() !== 0) return client.settings
  const { path, opened } = client
  const spots = await weakSpotsOn(path, opened === undefined ? {} : { opened })
  return logSettingsOf(client, spots.length > 0)
}

const maxFileBytes = 256 * 1024

/** `runtime_dir` of an iot.cfg that has a mistake elsewhere, else the default. */
async function likelyRuntimeDir(configDir: string): Promise<string> {
  const text = await readBoundedText(resolve(configDir, 'iot.cfg'), maxFileBytes).catch(() => '')
  const file = parseJson(text)
  const named = isJsonObject(file) ? file.runtime_dir : /"runtime_dir"\s*:\s*"([^"\\\n]+)"/.exec(text)?.[1]
  return resolve(configDir, typeof named === 'string' && named !== '' ? named : 'runtime')
}
