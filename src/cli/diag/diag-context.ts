// SPDX-License-Identifier: Apache-2.0
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
import type { ConfigPlace } from '../config/config-flags.ts'

/** Where the parts of the archive come from: the places and, as far as they can be read, the settings. */
export interface DiagContext {
  readonly appId: string
  readonly configDir: string
  readonly connectionFile: string
  readonly environment: Environment
  /** Absent when the connection file has a mistake. */
  readonly settings?: Settings | undefined
  /** Absent when there is no device id. */
  readonly thingKey?: string | undefined
  readonly runtimeDir: string
  readonly queueDir: string
}

/** The configuration that the command line names. */
export interface DiagTarget extends ConfigPlace {
  readonly environment: Environment
}

/** Finds the places even when the configuration is broken, because support needs them most then. */
export async function findDiagContext(target: DiagTarget): Promise<DiagContext> {
  const { configDir, environment } = target
  const nothing = () => undefined
  const client = await loadClientConfig(target).catch(nothing)
  const manager = await loadManagerConfig({ configDir, environment }).catch(nothing)
  const identity = await findIdentity(target).catch(nothing)
  const settings = client && (await trusted(client))
  return {
    appId: target.appId,
    configDir,
    connectionFile: client?.path ?? resolve(configDir, target.configFile),
    environment,
    settings,
    thingKey: identity?.thingKey,
    runtimeDir: manager?.settings.runtimeDir ?? (await likelyRuntimeDir(configDir)),
    queueDir: settings?.queue.directory ?? resolve(configDir, 'queue'),
  }
}

/** Without the log file that another user has named, when root runs this: it could be any file, which root would pack. */
async function trusted(client: ClientConfig): Promise<Settings> {
  if (userId() !== 0) return client.settings
  const { path, opened } = client
  const spots = await weakSpotsOn(path, { opened })
  return logSettingsOf(client, spots.length > 0)
}

const maxFileBytes = 256 * 1024

/** `runtime_dir` of an iot.cfg with a mistake elsewhere in it, else the default. */
async function likelyRuntimeDir(configDir: string): Promise<string> {
  const text = await readBoundedText(resolve(configDir, 'iot.cfg'), maxFileBytes).catch(() => '')
  const file = parseJson(text)
  const named = isJsonObject(file) ? file.runtime_dir : /"runtime_dir"\s*:\s*"([^"\\\n]+)"/.exec(text)?.[1]
  return resolve(configDir, typeof named === 'string' && named !== '' ? named : 'runtime')
}
