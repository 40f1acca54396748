// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path'
import type { JsonObject } from '../base/json.ts'
import type { FileFacts } from '../platform/files/file-facts.ts'
import { shellWord } from '../platform/owners/weak-spots.ts'
import { invokedName } from '../platform/process/own-executable.ts'
import type { Environment } from '../platform/process/process-facts.ts'
import { assembleSettings } from './assemble.ts'
import { type Closure, isSwitch, partProblems } from './closure.ts'
import { type ConfigFileRead, lineOf, readConfigFile } from './config-file.ts'
import { type EffectiveSetting, effectiveSettings } from './effective.ts'
import { pairMisspelt } from './misspelt.ts'
import { implyPolicies } from './policy.ts'
import { findRisks } from './risks.ts'
import type { ConfigNote, ConfigProblem, Giver, Origins, Settings, Transport } from './settings.ts'
import { environmentSource, fileSource, givenSource } from './sources.ts'
import { settingsOf, settingsTable } from './table.ts'
import { type Document, findUnknownKeys } from './unknown-keys.ts'
import { findUnknownVariables } from './unknown-variables.ts'
import { configError, Values } from './values.ts'

/** What {@link loadClientConfig} needs to know. */
export interface ClientConfigRequest {
  readonly appId: string
  /** Folder of the configuration. */
  readonly configDir: string
  /** Name of the connection file in `configDir`, or a path; default `<appId>-connect.cfg`. */
  readonly configFile?: string | undefined
  /** Settings that take precedence over the environment and the file, in the shape of the file: flags, or the settings of a program. */
  readonly settings?: JsonObject
  /** Who hands them in; default: the command line. */
  readonly settingsGivenBy?: Giver
  readonly environment: Environment
  /** Folders besides `configDir` that have no connection file either. */
  readonly alsoTried?: readonly string[]
  /** The client uses no network: the `cloud` settings may be missing. */
  readonly offline?: boolean
}

/** A loaded connection configuration. */
export interface ClientConfig {
  readonly settings: Settings
  readonly origins: Origins
  readonly warnings: readonly ConfigNote[]
  /** The capabilities that mistakes in a policy have closed; `settings` do not permit them. */
  readonly closures: readonly Closure[]
  /** Absolute path of the connection file, whether it exists or not. */
  readonly path: string
  readonly exists: boolean
  /** The very file that was read; absent when there is none. */
  readonly opened?: FileFacts | undefined
  /** The same as `settings`, to be shown to people: row by row with its origin, secrets hidden. */
  readonly effective: readonly EffectiveSetting[]
}

/**
 * The effective connection settings. Precedence: `settings`, environment, file, default [contract 2].
 * A mistake in a policy closes what the policy decides; any other mistake ends the start.
 *
 * @throws AgentError `CONFIG_INVALID`; `details.problems` lists every mistake
 */
export async function loadClientConfig(request: ClientConfigRequest): Promise<ClientConfig> {
  const path = resolve(request.configDir, request.configFile ?? `${request.appId}-connect.cfg`)
  const read = await readConfigFile(path, { secret: true })
  const values = collect(request, read)
  const variables = findUnknownVariables(request.environment, settingsTable)
  const keys = documentsOf(request, read).map(document => findUnknownKeys(document, 'connect'))
  const problems = [...read.problems, ...values.problems, ...keys.flatMap(found => found.problems)]
  let notes = [...read.notes, ...values.notes, ...variables.notes, ...keys.flatMap(found => found.notes)]
  // In a file that is not JSON, nothing can be missing.
  const isBroken = read.exists && read.file === undefined
  if (!isBroken) {
    const required = request.offline ? [] : findMissing(request, path, read, values)
    const missing = [...required, ...chooseTransport(values, path, read), ...checkSections(values, path, read)]
    const paired = pairMisspelt(missing, notes)
    problems.push(...paired.problems)
    notes = [...paired.notes]
  }
  const { fatal, closures } = partProblems(problems)
  closures.push(...variables.closures.filter(({ capability }) => !isSwitch(capability)))
  closures.push(...keys.flatMap(found => found.closures))
  closures.push(...implyPolicies(values, closures))
  if (fatal.length > 0 || isBroken)
    throw configError([...fatal, ...closures.map(({ problem }) => problem)], undefined, notes)
  const settings = assembleSettings(
    'connect',
    ({ key, offline }) => values.get(key) ?? (request.offline ? offline : undefined),
  )
  notes.push(...findRisks(settings))
  const effective = effectiveSettings(settingsOf('connect'), values)
  const { opened, exists } = read
  const file = { path, exists, opened }
  return { settings, origins: values.origins, warnings: notes, closures, ...file, effective }
}

/** The mistakes in connection settings that the caller is about to write into a file. */
export function checkConnectionSettings(settings: JsonObject): readonly ConfigProblem[] {
  const values = new Values(settingsOf('connect'), [givenSource(settings, 'command line')], '')
  const path = 'command line'
  const read: ConfigFileRead = { exists: true, problems: [], notes: [] }
  return [
    ...values.problems,
    ...findMissing({}, path, read, values),
    ...chooseTransport(values, path, read),
    ...checkSections(values, path, read),
  ]
}

function collect(request: ClientConfigRequest, read: ConfigFileRead): Values {
  const sources = [givenSource(request.settings ?? {}, giverOf(request)), environmentSource(request.environment)]
  if (read.file !== undefined) sources.push(fileSource(read.file))
  return new Values(settingsOf('connect'), sources, request.configDir)
}

function giverOf({ settingsGivenBy = 'command line' }: ClientConfigRequest): Giver {
  return settingsGivenBy
}

function documentsOf(request: ClientConfigRequest, read: ConfigFileRead): Document[] {
  const given: Document = { path: giverOf(request), value: request.settings ?? {}, positionOf: () => undefined }
  return read.file === undefined ? [given] : [given, read.file]
}

function findMissing(
  { configFile, alsoTried = [] }: Pick<ClientConfigRequest, 'configFile' | 'alsoTried'>,
  path: string,
  read: ConfigFileRead,
  values: Values,
): ConfigProblem[] {
  const missing = settingsTable.filter(setting => setting.required && !values.isGiven(setting.key))
  if (!read.exists && (missing.length > 0 || configFile !== undefined)) {
    if (read.isUnderFile === true) {
      const remedy =
        'Name the folder of the configuration (-c, configDir), and a file in it by its name (-f, configFile).'
      return [{ file: path, problem: 'a part of the path is not a folder', remedy }]
    }
    const remedy = `Run: ${invokedName()} config generate -f ${shellWord(path)}`
    const elsewhere = alsoTried.length === 0 ? '' : `, and there is none in ${alsoTried.join(' and ')} either`
    return [{ file: path, problem: `the connection file does not exist${elsewhere}`, remedy }]
  }
  return missing.map(
    ({ key, sentence }): ConfigProblem => ({
      file: path,
      ...lineOf(read.file?.positionOf(key.slice(0, key.indexOf('.')))),
      key,
      problem: 'is missing',
      expected: sentence,
      remedy: `Write ${key}. ${sentence}`,
    }),
  )
}

const transportOfPort: Readonly<Record<number, Transport>> = { 443: 'wss', 8883: 'mqtts', 1883: 'mqtt' }

/** A port number must never switch TLS off: only the three known ports imply a transport. */
function chooseTransport(values: Values, path: string, read: ConfigFileRead): ConfigProblem[] {
  const port = values.number('cloud.port')
  if (port === undefined || values.isGiven('cloud.transport')) return []
  const transport = transportOfPort[port]
  if (transport !== undefined) {
    values.derive('cloud.transport', transport, 'cloud.port')
    return []
  }
  return [
    {
      file: path,
      ...lineOf(read.file?.positionOf('cloud.port')),
      key: 'cloud.transport',
      problem: `is missing, and port ${port} does not say whether to use TLS`,
      expected: 'mqtts, wss or mqtt',
      remedy: 'Write cloud.transport: mqtts (TLS), wss (WebSocket over TLS) or mqtt (no TLS).',
    },
  ]
}

/** A section that is only half given, such as a proxy, must not silently mean that there is none. */
function checkSections(values: Values, path: string, read: ConfigFileRead): ConfigProblem[] {
  return settingsOf('connect')
    .filter(({ key, requiredInSection }) => requiredInSection && !values.isGiven(key))
    .flatMap(({ key }) => {
      const section = key.slice(0, key.indexOf('.'))
      if (!settingsOf('connect').some(other => other.key.startsWith(`${section}.`) && values.isGiven(other.key)))
        return []
      const problem = `is missing, though other ${section} settings are given`
      const remedy = `Write ${key}, or remove the other ${section} settings.`
      return [{ file: path, ...lineOf(read.file?.positionOf(section)), key, problem, remedy }]
    })
}
