// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'
import { systemClock } from '../../base/clock.ts'
import { AgentError } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json.ts'
import { withDeadline } from '../../base/wait.ts'
import { configFolderVariable } from '../../config/config-folder.ts'
import { askManager } from '../../manager/local-api/commands.ts'
import { socketFileName } from '../../manager/runtime-names.ts'
import { processEnvironment } from '../../platform/process/process-facts.ts'
import { configDirOf, configPlaceOf } from '../config/config-flags.ts'
import type { Invocation } from '../shell/command.ts'

/** How long the manager may take for an answer that it has at hand. */
export const promptAnswerMs = 15_000

export interface AskOptions {
  readonly onProgress?: (facts: JsonObject) => void
  /** Without it the answer may take any time, as that of a transfer does. */
  readonly timeoutMs?: number | undefined
}

/**
 * Sends one request to the manager of the configuration folder that the command line names.
 *
 * @throws AgentError `MANAGER_NOT_RUNNING`, `POLICY_REFUSED`, `TIMEOUT`, or the error that the manager answered with
 */
export async function askRunningManager(
  invocation: Invocation,
  request: JsonObject,
  options: AskOptions = {},
): Promise<JsonObject> {
  const { loadManagerConfig } = await import('../../config/manager-config.ts')
  const { settings } = await loadManagerConfig({
    configDir: configDirOf(invocation),
    environment: processEnvironment(),
  })
  try {
    return await askManagerOf(settings.runtimeDir, request, options)
  } catch (error) {
    throw withSearchedFolders(invocation, error) ?? error
  }
}

/** Where no connection file was found, the wrong folder is the likely reason: the error then names the folders. */
function withSearchedFolders(invocation: Invocation, error: unknown): AgentError | undefined {
  const { alsoTried = [], configDir, configFile } = configPlaceOf(invocation)
  if (!(error instanceof AgentError) || error.code !== 'MANAGER_NOT_RUNNING' || alsoTried.length === 0) return undefined
  const folders = [configDir, ...alsoTried].join(' and in ')
  const message = `${error.message} There is no ${configFile} in ${folders}.`
  const remedy = `Name the folder of its configuration with -c, or in ${configFolderVariable}.`
  return new AgentError(error.code, message, { cause: error, details: error.details, remedy })
}

/** As {@link askRunningManager}, of the manager that uses this runtime folder. */
export function askManagerOf(runtimeDir: string, request: JsonObject, options: AskOptions = {}): Promise<JsonObject> {
  const { timeoutMs, ...rest } = options
  const ask = { path: join(runtimeDir, socketFileName), request, ...rest }
  if (timeoutMs === undefined) return askManager(ask)
  const late = () =>
    new AgentError(
      'TIMEOUT',
      `The device manager accepts connections on ${ask.path}, but did not answer within ${timeoutMs} ms.`,
      { remedy: 'Look into its log, and restart it if it keeps happening.' },
    )
  return withDeadline(systemClock, timeoutMs, late, signal => askManager({ ...ask, signal }))
}
