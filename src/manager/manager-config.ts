import type { JsonObject } from '../base/json.ts'
import { type AttributesFile, loadAttributesFile } from '../config/attributes-file.ts'
import { loadClientConfig } from '../config/load.ts'
import { loadManagerConfig } from '../config/manager-config.ts'
import type { ConfigNote, ManagerSettings, Settings } from '../config/settings.ts'
import { processEnvironment } from '../platform/process-facts.ts'

/** Where the configuration of a manager is. */
export interface ManagerPlace {
  readonly appId: string
  /** Absolute. */
  readonly configDir: string
  /** Name of the connection file in `configDir`, or a path. */
  readonly configFile: string
  /** Settings that go before the environment and the connection file: those of the flags. */
  readonly settings: JsonObject
}

/** The manager's own files: `iot.cfg` and `attributes.cfg`. */
export interface OwnConfig {
  readonly settings: ManagerSettings
  readonly attributes: AttributesFile['attributes']
  readonly warnings: readonly ConfigNote[]
}

/** Reads `iot.cfg` and `attributes.cfg`. Throws `CONFIG_INVALID` with every mistake. */
export async function loadOwnConfig({ configDir }: ManagerPlace): Promise<OwnConfig> {
  const { settings, warnings } = await loadManagerConfig({ configDir, environment: processEnvironment() })
  const file = await loadAttributesFile({ configDir })
  return { settings, attributes: file.attributes, warnings: [...warnings, ...file.warnings] }
}

/** Reads the connection file again. Throws `CONFIG_INVALID` with every mistake. */
export async function loadConnectionSettings(place: ManagerPlace): Promise<Settings> {
  const { settings } = await loadClientConfig({ ...place, environment: processEnvironment() })
  return settings
}

/** Settings that a running manager cannot change, by the key of their file; the other ones it can. */
const fixed: readonly (readonly [key: string, of: (settings: Settings) => unknown])[] = [
  ['cloud', settings => settings.cloud],
  ['proxy', settings => settings.proxy],
  ['qos_level', settings => settings.qosLevel],
  ['validate_cloud_cert', settings => settings.validateCloudCert],
  ['ca_bundle_file', settings => settings.caBundleFile],
  ['keep_alive', settings => settings.keepAliveS],
  ['log_file', settings => settings.logFile],
  ['use_syslog', settings => settings.useSyslog],
  ['quiet', settings => settings.quiet],
  ['queue', settings => settings.queue],
  ['file_transfer.max_bytes', settings => settings.fileTransfer.maxBytes],
]

/** The keys whose new value takes effect only after a restart. */
export function needsRestart(
  before: { readonly connection: Settings; readonly own: ManagerSettings },
  after: { readonly connection: Settings; readonly own: ManagerSettings },
): readonly string[] {
  const keys = fixed.filter(([, of]) => JSON.stringify(of(before.connection)) !== JSON.stringify(of(after.connection)))
  const runtime = before.own.runtimeDir === after.own.runtimeDir ? [] : ['runtime_dir']
  return [...keys.map(([key]) => key), ...runtime]
}

/** Logs what the files say that deserves a word. */
export function logNotes(
  log: { [Level in ConfigNote['level']]: (message: string, fields: JsonObject) => void },
  notes: readonly ConfigNote[],
): void {
  for (const { level, file, line, key, problem, remedy, didYouMean } of notes)
    log[level](problem, { file, line, key, remedy, didYouMean })
}
