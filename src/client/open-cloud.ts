import type { Clock } from '../base/clock.ts'
import { Log, type LogLevel } from '../base/log.ts'
import type { Closure } from '../config/closure.ts'
import { loadIdentity } from '../config/identity.ts'
import { loadClientConfig } from '../config/load.ts'
import type { ConfigNote } from '../config/settings.ts'
import { processEnvironment } from '../platform/process-facts.ts'
import type { ExecuteMail } from '../services/mailbox/mailbox.ts'
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
  /** Called with the log level of the settings. */
  setLevel(level: LogLevel): void
}

/**
 * Reads the configuration and the identity, and puts the client's way to the cloud together.
 *
 * @throws AgentError `CONFIG_INVALID`
 */
export async function openCloud(parts: OpenParts): Promise<Cloud> {
  const { options, clock, log, logOutput, execute, listener } = parts
  const { appId, configDir, configFile, offline } = options
  const { settings, warnings, closures } = await loadClientConfig({
    appId,
    configDir,
    ...(configFile === undefined ? {} : { configFile }),
    settings: options.settings,
    environment: processEnvironment(),
    offline,
  })
  log.hide(settings.cloud.token)
  log.hide(settings.proxy?.password)
  parts.setLevel(settings.logLevel)
  await logOutput.open(settings, appId === '' ? 'device-cloud' : appId)
  // The device manager tells of them itself, together with those of its own files.
  if (!(options.logger instanceof Log)) {
    note(log, warnings)
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
  return onlineCloud({ facts: { thingKey, deviceId, settings }, configDir, clock, log, execute, listener })
}

function asWarning({ problem }: Closure): ConfigNote {
  return { ...problem, level: 'warn' }
}

function note(log: Log, notes: readonly ConfigNote[]): void {
  for (const { level, file, line, key, problem, remedy, didYouMean } of notes)
    log[level](problem, { file, line, key, remedy, didYouMean })
}
