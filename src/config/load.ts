import { resolve } from 'node:path'
import type { JsonObject } from '../base/json.ts'
import { logLevels } from '../base/log.ts'
import type { FileFacts } from '../platform/files/file-facts.ts'
import { shellWord } from '../platform/owners/weak-spots.ts'
import { invokedName } from '../platform/process/own-executable.ts'
import type { Environment } from '../platform/process/process-facts.ts'
import { type Closure, isSwitch, partProblems } from './closure.ts'
import { type ConfigFileRead, lineOf, readConfigFile } from './config-file.ts'
import { type EffectiveSetting, effectiveSettings } from './effective.ts'
import { pairMisspelt } from './misspelt.ts'
import { implyPolicies } from './policy.ts'
import { findRisks } from './risks.ts'
import type { ConfigNote, ConfigProblem, Origins, ProxySettings, Settings, Transport } from './settings.ts'
import { environmentSource, fileSource, flagSource } from './sources.ts'
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
  readonly configFile?: string
  /** Settings that go before the environment and the file, shaped as the file: flags, or what a program hands in. */
  readonly settings?: JsonObject
  readonly environment: Environment
  /** Folders besides `configDir` in which there is no connection file either. */
  readonly alsoTried?: readonly string[]
  /** No cloud will be used: the `cloud` settings may be missing, and are then empty. */
  readonly offline?: boolean
}

/** A loaded connection configuration. */
export interface ClientConfig {
  readonly settings: Settings
  readonly origins: Origins
  readonly warnings: readonly ConfigNote[]
  /** What mistakes in the settings of a policy have closed; `settings` permit it no more. */
  readonly closures: readonly Closure[]
  /** Absolute path of the connection file, whether it exists or not. */
  readonly path: string
  readonly exists: boolean
  /** The very file that was read; absent when there is none. */
  readonly opened?: FileFacts
  /** The same as `settings`, for people: row by row with origin, secrets hidden. */
  readonly effective: readonly EffectiveSetting[]
}

/**
 * The effective connection settings. Precedence: `settings`, environment, file, default [contract 2].
 * A mistake in a setting of a policy closes what that setting decides; any other one ends the start.
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
  // A file that is not JSON says nothing about what is missing in it.
  const isBroken = read.exists && read.file === undefined
  if (!isBroken) {
    const required = request.offline ? [] : findMissing(request, path, read, values)
    const missing = [...required, ...chooseTransport(values, path, read), ...checkProxy(values, path, read)]
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
  const settings = assemble(values)
  notes.push(...findRisks(settings))
  const effective = effectiveSettings(settingsOf('connect'), values)
  const { opened, exists } = read
  const file = { path, exists, ...(opened === undefined ? {} : { opened }) }
  return { settings, origins: values.origins, warnings: notes, closures, ...file, effective }
}

/** The mistakes in connection settings that are not in a file yet, for whoever is about to write one. */
export function checkConnectionSettings(settings: JsonObject): readonly ConfigProblem[] {
  const values = new Values(settingsOf('connect'), [flagSource(settings)])
  const path = 'command line'
  const read: ConfigFileRead = { exists: true, problems: [], notes: [] }
  return [
    ...values.problems,
    ...findMissing({}, path, read, values),
    ...chooseTransport(values, path, read),
    ...checkProxy(values, path, read),
  ]
}

function collect(request: ClientConfigRequest, read: ConfigFileRead): Values {
  const sources = [flagSource(request.settings ?? {}), environmentSource(request.environment)]
  if (read.file !== undefined) sources.push(fileSource(read.file))
  return new Values(settingsOf('connect'), sources)
}

function documentsOf(request: ClientConfigRequest, read: ConfigFileRead): Document[] {
  const given: Document = { path: 'command line', value: request.settings ?? {}, placeOf: () => undefined }
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
      ...lineOf(read.file?.placeOf(key.slice(0, key.indexOf('.')))),
      key,
      problem: 'is missing',
      expected: sentence,
      remedy: `Write ${key}. ${sentence}`,
    }),
  )
}

const transportOfPort: Readonly<Record<number, Transport>> = { 443: 'wss', 8883: 'mqtts', 1883: 'mqtt' }

/** TLS must never be lost by a port number: only the three known ports imply a transport. */
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
      ...lineOf(read.file?.placeOf('cloud.port')),
      key: 'cloud.transport',
      problem: `is missing, and port ${port} does not tell whether to use TLS`,
      expected: 'mqtts, wss or mqtt',
      remedy: 'Write cloud.transport: mqtts (TLS), wss (WebSocket over TLS) or mqtt (no TLS).',
    },
  ]
}

const proxyTypes = ['http', 'socks4', 'socks5'] as const

/** A proxy that is only half configured must not silently mean "no proxy". */
function checkProxy(values: Values, path: string, read: ConfigFileRead): ConfigProblem[] {
  const needed = ['proxy.type', 'proxy.host', 'proxy.port']
  if (![...needed, 'proxy.username', 'proxy.password'].some(key => values.isGiven(key))) return []
  return needed
    .filter(key => !values.isGiven(key))
    .map(key => ({
      file: path,
      ...lineOf(read.file?.placeOf('proxy')),
      key,
      problem: 'is missing, though other proxy settings are given',
      remedy: `Write ${key}, or remove the other proxy settings.`,
    }))
}

function assemble(values: Values): Settings {
  const tls = values.choice('cloud.tls', ['modern', 'compatible'])
  const fileXferHost = values.text('cloud.file_xfer_host')
  const fileXferPort = values.number('cloud.file_xfer_port')
  const caBundleFile = values.text('ca_bundle_file')
  const logFile = values.text('log_file')
  const directory = values.text('queue.directory')
  const maxBytes = values.number('file_transfer.max_bytes')
  const proxy = assembleProxy(values)
  return {
    cloud: {
      host: values.text('cloud.host') ?? '',
      port: values.number('cloud.port') ?? 0,
      token: values.text('cloud.token') ?? '',
      transport: values.choice('cloud.transport', ['mqtt', 'mqtts', 'wss']) ?? 'mqtts',
      ...(tls === undefined ? {} : { tls }),
      ...(fileXferHost === undefined ? {} : { fileXferHost }),
      ...(fileXferPort === undefined ? {} : { fileXferPort }),
    },
    ...(proxy === undefined ? {} : { proxy }),
    qosLevel: values.number('qos_level') === 0 ? 0 : 1,
    validateCloudCert: values.boolean('validate_cloud_cert'),
    ...(caBundleFile === undefined ? {} : { caBundleFile }),
    keepAliveS: values.number('keep_alive') ?? 0,
    logLevel: values.choice('log_level', logLevels) ?? 'info',
    ...(logFile === undefined ? {} : { logFile }),
    useSyslog: values.boolean('use_syslog'),
    quiet: values.boolean('quiet'),
    queue: {
      durability: values.choice('queue.durability', ['spill', 'always', 'memory']) ?? 'spill',
      maxBytes: values.number('queue.max_bytes') ?? 0,
      ...(directory === undefined ? {} : { directory }),
    },
    ota: {
      publicKeys: values.list('ota.public_keys'),
      requireSignature: values.boolean('ota.require_signature'),
      names: values.list('ota.names'),
    },
    remoteAccess: {
      allow: values.list('remote_access.allow'),
      ...(values.isGiven('remote_access.relay_hosts') ? { relayHosts: values.list('remote_access.relay_hosts') } : {}),
      maxSessions: values.number('remote_access.max_sessions') ?? 1,
      maxChannels: values.number('remote_access.max_channels') ?? 1,
      idleTimeoutS: values.number('remote_access.idle_timeout') ?? 0,
      maxDurationS: values.number('remote_access.max_duration') ?? 0,
    },
    fileTransfer: {
      allow: values.list('file_transfer.allow'),
      ...(maxBytes === undefined ? {} : { maxBytes }),
    },
  }
}

function assembleProxy(values: Values): ProxySettings | undefined {
  const type = values.choice('proxy.type', proxyTypes)
  const host = values.text('proxy.host')
  const port = values.number('proxy.port')
  if (type === undefined || host === undefined || port === undefined) return undefined
  const username = values.text('proxy.username')
  const password = values.text('proxy.password')
  return {
    type,
    host,
    port,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
  }
}
