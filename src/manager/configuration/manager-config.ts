// SPDX-License-Identifier: Apache-2.0
import type { JsonObject } from '../../base/json.ts'
import { type AttributesFile, loadAttributesFile } from '../../config/attributes-file.ts'
import type { Closure } from '../../config/closure.ts'
import { type ClientConfig, loadClientConfig } from '../../config/load.ts'
import { loadManagerConfig } from '../../config/manager-config.ts'
import type { DecidingFile } from '../../config/ownership.ts'
import type { ConfigNote, ManagerSettings } from '../../config/settings.ts'
import { formatProblem } from '../../config/values.ts'
import { processEnvironment } from '../../platform/process/process-facts.ts'

/** The place of a manager's configuration. */
export interface ManagerPlace {
  readonly appId: string
  /** Absolute. */
  readonly configDir: string
  /** Name of the connection file in `configDir`, or a path. */
  readonly configFile: string
  /** Folders that have no connection file either. */
  readonly alsoTried?: readonly string[]
  /** Settings of flags, which take precedence over the environment and the connection file. */
  readonly settings: JsonObject
}

/** The manager's own files: `iot.cfg` and `attributes.cfg`. */
export interface OwnConfig {
  readonly settings: ManagerSettings
  readonly attributes: AttributesFile['attributes']
  readonly warnings: readonly ConfigNote[]
  readonly closures: readonly Closure[]
  /** `iot.cfg` as it was read. */
  readonly file: DecidingFile
}

/** Reads `iot.cfg` and `attributes.cfg`. Throws `CONFIG_INVALID` with every mistake that ends the start. */
export async function loadOwnConfig({ configDir }: ManagerPlace): Promise<OwnConfig> {
  const config = await loadManagerConfig({ configDir, environment: processEnvironment() })
  const file = await loadAttributesFile({ configDir })
  const { settings, closures } = config
  const warnings = [...config.warnings, ...file.warnings]
  return { settings, attributes: file.attributes, warnings, closures, file: config }
}

/** Reads the connection file. Throws `CONFIG_INVALID` with every mistake that ends the start. */
export function loadConnectionConfig(place: ManagerPlace): Promise<ClientConfig> {
  return loadClientConfig({ ...place, environment: processEnvironment() })
}

const maxWarnings = 100

/** The warnings among notes, as `status` lists them. */
export function warningList(notes: readonly ConfigNote[]): readonly JsonObject[] {
  return notes
    .filter(({ level }) => level === 'warn')
    .slice(0, maxWarnings)
    .map(note => ({ file: note.file, line: note.line, key: note.key, text: formatProblem(note) }))
}
