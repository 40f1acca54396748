import { AgentError } from '../base/errors.ts'
import { isJsonObject, type JsonObject } from '../base/json.ts'
import type { Logger } from '../base/log.ts'
import { type ClientSettings, checkGivenSettings } from '../config/given-settings.ts'
import { optionsCheck } from '../config/known-options.ts'

/** Options of a client. */
export interface ClientOptions {
  /**
   * Folder of the connection file and of `device_id`. Default: that of `DEVICE_CLOUD_CONFIG_DIR`, else the current one if the
   * connection file is in it, else `/etc/device-cloud` if it is there, else the current one. Applications that share it share
   * the device id.
   */
  readonly configDir?: string | undefined
  /** Name of the connection file in `configDir`, or a path; default `<appId>-connect.cfg`. */
  readonly configFile?: string | undefined
  /**
   * Settings that go before the environment and the connection file, with the names of the file:
   * `{ cloud: { host: … }, qos_level: 1 }`. One that the connection file does not know is refused.
   */
  readonly settings?: ClientSettings | undefined
  /** Where log lines go: `console`, pino and winston fit. Default: standard error, and what the settings say. */
  readonly logger?: Logger | undefined
  /**
   * Uses no network at all: what is published is checked and dropped, and counts as delivered; uploads do nothing;
   * what would need an answer (`current`, `ping`, downloads) rejects `NOT_CONNECTED`. No connection file is needed.
   */
  readonly offline?: boolean | undefined
  /**
   * What to do while another process uses the queue folder of this application, where its samples and its journal of actions
   * are: `wait` (the default) up to 10 s for its end, as after a restart; `refuse` at once. A queue that is still in use then
   * rejects `ALREADY_RUNNING` with `details.pid`. A second client in the same process is refused at once. With
   * `queue.durability: memory` nobody is refused: the second process keeps its journal in memory.
   */
  readonly queueLock?: 'wait' | 'refuse' | undefined
}

/** The one list of what a client takes. */
const checkNames = optionsCheck<ClientOptions>('new Client', {
  configDir: true,
  configFile: true,
  settings: true,
  logger: true,
  offline: true,
  queueLock: true,
})

/** The options, checked and complete. */
export interface CheckedOptions {
  readonly appId: string
  readonly configDir?: string
  readonly configFile?: string
  readonly settings: JsonObject
  readonly logger?: Logger
  readonly offline: boolean
  readonly queueLock: 'wait' | 'refuse'
}

/**
 * Checks what the application handed in.
 *
 * @throws AgentError `INVALID_ARGUMENT` naming the option, or the setting
 */
export function checkedOptions(appId: string, options: ClientOptions): CheckedOptions {
  checkNames(options)
  const { configDir, configFile, settings = {}, logger, offline = false, queueLock = 'wait' } = options
  // The app id becomes part of a file name.
  if (typeof appId !== 'string' || /[/\\\0]/.test(appId))
    throw invalid('appId', 'must be text without "/" and "\\"; letters, digits, "_" and "-" are safe everywhere')
  if (configDir !== undefined && (typeof configDir !== 'string' || configDir === ''))
    throw invalid('configDir', 'must be the path of a folder')
  if (configFile !== undefined && (typeof configFile !== 'string' || configFile === ''))
    throw invalid('configFile', 'must be a file name or a path')
  if (!isJsonObject(settings)) throw invalid('settings', 'must be an object with the names of the connection file')
  checkGivenSettings(settings)
  if (typeof offline !== 'boolean') throw invalid('offline', 'must be true or false')
  if (logger !== undefined && !isLogger(logger))
    throw invalid('logger', 'must have the functions error, warn, info and debug')
  if (queueLock !== 'wait' && queueLock !== 'refuse') throw invalid('queueLock', 'must be wait or refuse')
  return {
    appId,
    ...(configDir === undefined ? {} : { configDir }),
    ...(configFile === undefined ? {} : { configFile }),
    settings,
    ...(logger === undefined ? {} : { logger }),
    offline,
    queueLock,
  }
}

function isLogger(logger: Logger): boolean {
  return [logger.error, logger.warn, logger.info, logger.debug].every(write => typeof write === 'function')
}

function invalid(option: string, rule: string): AgentError {
  return new AgentError('INVALID_ARGUMENT', `${option} ${rule}.`, { details: { argument: option } })
}
