// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../base/clock.ts'
import { Log, type LogLevel } from '../base/log.ts'
import type { Closure } from '../config/closure.ts'
import { findConfigFolder } from '../config/config-folder.ts'
import { loadIdentity } from '../config/identity.ts'
import { type ClientConfig, loadClientConfig } from '../config/load.ts'
import { logNotes } from '../config/log-notes.ts'
import { logSettingsOf, problemOf } from '../config/ownership.ts'
import type { ConfigNote, ConfigProblem } from '../config/settings.ts'
import { weakSpotsOn } from '../platform/owners/weak-spots.ts'
import { processEnvironment, userId } from '../platform/process/process-facts.ts'
import type { ExecuteMail } from '../services/mailbox/mail-intake.ts'
import type { Cloud, CloudListener } from './cloud.ts'
import type { LogOutput } from './log-output.ts'
import { offlineCloud } from './offline-cloud.ts'
import type { CheckedOptions } from './options.ts'

interface OpenParts {
  readonly options: CheckedOptions
  readonly clock: Clock
  readonly log: Log
  readonly logOutput: LogOutput
  readonly execute: ExecuteMail
  readonly listener: CloudListener
  /** Fires when the client is closed. */
  readonly signal: AbortSignal
  /** Called with the log level of the settings. */
  readonly setLevel: (level: LogLevel) => void
}

/**
 * Reads the configuration and the identity, and opens the client's cloud.
 *
 * @throws AgentError `CONFIG_INVALID`; `ALREADY_RUNNING` when another process uses the queue
 */
export async function openCloud(parts: OpenParts): Promise<Cloud> {
  const { options, clock, log, execute, listener, signal } = parts
  const { appId, offline, queueLock } = options
  const { config, configDir } = await readConfiguration(parts)
  const { settings } = config
  // No identity is made: an offline run leaves nothing behind.
  if (offline) return offlineCloud(settings)
  const identity = await loadIdentity({ configDir, appId })
  logNotes(log, identity.warnings)
  const { thingKey, deviceId } = identity
  if (identity.created) log.info('made a device id', { file: identity.path, deviceId })
  // Loaded late: only an online client needs sockets, TLS and what is built on them.
  const { openOnlineCloud } = await import('./open-online-cloud.ts')
  const facts = { thingKey, deviceId, settings }
  return openOnlineCloud({ facts, configDir, queueLock, clock, log, execute, listener, signal })
}

/** Finds and loads the configuration, and opens the log that it asks for. */
async function readConfiguration(parts: OpenParts): Promise<{ config: ClientConfig; configDir: string }> {
  const { appId, configFile, configDir: named, settings, offline, logger } = parts.options
  // The agent's own programs pass their log, and settings of their command line.
  const isOwnProgram = logger instanceof Log
  const environment = processEnvironment()
  const folder = await findConfigFolder({ named, environment, connectionFile: configFile ?? `${appId}-connect.cfg` })
  const config = await loadClientConfig({
    appId,
    configDir: folder.path,
    configFile,
    settings,
    settingsGivenBy: isOwnProgram ? 'command line' : 'the settings given to the client',
    alsoTried: folder.alsoTried,
    environment,
    offline,
  })
  await openLog(parts, config)
  // The device manager logs these notes itself, together with those of its own files.
  if (!isOwnProgram) {
    logNotes(parts.log, folder.warning === undefined ? config.warnings : [folder.warning, ...config.warnings])
    // Only warnings: the capabilities that they close are used by the device manager alone.
    logNotes(parts.log, config.closures.map(asWarning))
  }
  return { config, configDir: folder.path }
}

/** Hides the secrets of the settings, and sets the level and the outputs of the log. */
async function openLog({ options, log, logOutput, setLevel }: OpenParts, config: ClientConfig): Promise<void> {
  const { settings } = config
  log.hide(settings.cloud.token)
  log.hide(settings.proxy?.password)
  setLevel(settings.logLevel)
  const problem = options.logger === undefined ? await weakLogFile(config) : undefined
  const tag = options.appId === '' ? 'device-cloud' : options.appId
  await logOutput.open(logSettingsOf(config, problem !== undefined), tag)
  if (problem !== undefined) logNotes(log, [{ ...problem, level: 'warn' }])
}

/** Why root does not write the `log_file` of this configuration: another user could have named it. */
async function weakLogFile({ path, opened, settings, origins }: ClientConfig): Promise<ConfigProblem | undefined> {
  if (userId() !== 0 || settings.logFile === undefined || origins.get('log_file')?.source !== 'file') return undefined
  const found = problemOf(path, await weakSpotsOn(path, { opened }), { userId: 0 })
  return found && { ...found, problem: `log_file is not written: ${found.problem}` }
}

function asWarning({ problem }: Closure): ConfigNote {
  return { ...problem, level: 'warn' }
}
