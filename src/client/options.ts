// SPDX-License-Identifier: Apache-2.0
import { AgentError } from '../base/errors.ts'
import { isJsonObject, type JsonObject } from '../base/json.ts'
import type { Logger } from '../base/log.ts'
import { type ClientSettings, checkGivenSettings } from '../config/given-settings.ts'
import { optionsCheck } from '../config/known-options.ts'

/** Options of a client. */
export interface ClientOptions {
  /**
   * Folder of the connection file and of `device_id`. Default: the folder that `DEVICE_CLOUD_CONFIG_DIR` names, else the
   * current folder if it has the connection file, else `/etc/device-cloud` if that has it, else the current folder. Applications
   * that share a folder share the device id.
   */
  readonly configDir?: string | undefined
  /** Name of the connection file in `configDir`, or a path; default `<appId>-connect.cfg`. */
  readonly configFile?: string | undefined
  /**
   * Settings that take precedence over the environment and the connection file, with the names of the file:
   * `{ cloud: { host: … }, qos_level: 1 }`. A setting that the connection file does not have is refused.
   */
  readonly settings?: ClientSettings | undefined
  /** Gets the log lines: `console`, pino and winston fit. Default: standard error, and the outputs that the settings name. */
  readonly logger?: Logger | undefined
  /**
   * Uses no network at all: published samples are checked and dropped, and count as delivered; uploads do nothing; calls that
   * need an answer (`current`, `ping`, downloads) reject `NOT_CONNECTED`. No connection file is needed.
   */
  readonly offline?: boolean | undefined
  /**
   * What to do while another process uses the queue folder of this application, which holds its samples and its journal of
   * actions: `wait` (the default) up to 10 s for the end of that process, as after a restart, or `refuse` at once. A queue that
   * is still in use then rejects `ALREADY_RUNNING` with `details.pid`. A second client in the same process is refused at once.
   * With `queue.durability: memory` no process is refused: the second one keeps its journal in memory.
   */
  readonly queueLock?: 'wait' | 'refuse' | undefined
}

/** The one list of the options of a client. */
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
  readonly configDir?: string | undefined
  readonly configFile?: string | undefined
  readonly settings: JsonObject
  readonly logger?: Logger | undefined
  readonly offline: boolean
  readonly queueLock: 'wait' | 'refuse'
}

/**
 * Checks the options that the application passes.
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
    configDir,
    configFile,
    settings,
    logger,
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
