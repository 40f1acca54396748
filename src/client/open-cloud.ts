import type { Clock } from '../base/clock.ts'
import { Log, type LogLevel } from '../base/log.ts'
import type { Closure } from '../config/closure.ts'
import { findConfigFolder } from '../config/config-folder.ts'
import { loadIdentity } from '../config/identity.ts'
import { type ClientConfig, loadClientConfig } from '../config/load.ts'
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
  setLevel(level: LogLevel): void
}

/**
 * Reads the configuration and the identity, and puts the client's way to the cloud together.
 *
 * @throws AgentError `CONFIG_INVALID`; `ALREADY_RUNNING` when another process uses the queue
 */
export async function openCloud(parts: OpenParts): Promise<Cloud> {
  const { options, clock, log, logOutput, execute, listener, signal } = parts
  const { appId, configFile, offline, queueLock } = options
  const environment = processEnvironment()
  const connectionFile = configFile ?? `${appId}-connect.cfg`
  const folder = await findConfigFolder({ named: options.configDir, environment, connectionFile })
  const { path: configDir, alsoTried } = folder
  const config = await loadClientConfig({
    appId,
    configDir,
    ...(configFile === undefined ? {} : { configFile }),
    settings: options.settings,
    alsoTried,
    environment,
    offline,
  })
  const { settings, warnings, closures } = config
  log.hide(settings.cloud.token)
  log.hide(settings.proxy?.password)
  parts.setLevel(settings.logLevel)
  const problem = options.logger === undefined ? await weakLogFile(config) : undefined
  await logOutput.open(logSettingsOf(config, problem !== undefined), appId === '' ? 'device-cloud' : appId)
  if (problem !== undefined) note(log, [{ ...problem, level: 'warn' }])
  // The device manager tells of them itself, together with those of its own files.
  if (!(options.logger instanceof Log)) {
    note(log, folder.warning === undefined ? warnings : [folder.warning, ...warnings])
    // This program goes on without what they close: it is the device manager that would use it.
    note(log, closures.map(asWarning))
  }
  // No identity: an offline run leaves nothing behind.
  if (offline) return offlineCloud(settings)
  const identity = await loadIdentity({ configDir, appId })
  note(log, identity.warnings)
  const { thingKey, deviceId } = identity
  if (identity.created) log.info('made a device id', { file: identity.path, deviceId })
  // Only an online client needs sockets, TLS and all that stands on them.
  const { onlineCloud } = await import('./online-cloud.ts')
  const facts = { thingKey, deviceId, settings }
  return onlineCloud({ facts, configDir, queueLock, clock, log, execute, listener, signal })
}

/** Why root does not write the `log_file` of this configuration: somebody else could have named it. */
async function weakLogFile({ path, opened, settings, origins }: ClientConfig): Promise<ConfigProblem | undefined> {
  if (userId() !== 0 || settings.logFile === undefined || origins.get('log_file')?.source !== 'file') return undefined
  const found = problemOf(path, await weakSpotsOn(path, opened === undefined ? {} : { opened }), { userId: 0 })
  return found && { ...found, problem: `log_file is not written: ${found.problem}` }
}

function asWarning({ problem }: Closure): ConfigNote {
  return { ...problem, level: 'warn' }
}

function note(log: Log, notes: readonly ConfigNote[]): void {
  for (const { level, file, line, key, problem, remedy, didYouMean } of notes)
    log[level](problem, { file, line, key, remedy, didYouMean })
}
