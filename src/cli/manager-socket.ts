import { join } from 'node:path'
import { systemClock } from '../base/clock.ts'
import { AgentError } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import { withDeadline } from '../base/wait.ts'
import { configFolderVariable } from '../config/config-folder.ts'
import { askManager } from '../manager/local-api/commands.ts'
import { lockFileName, socketFileName } from '../manager/runtime-names.ts'
import { processEnvironment } from '../platform/process/process-facts.ts'
import { lockHolder } from '../platform/process/process-lock.ts'
import type { Invocation } from './command.ts'
import { configDirOf, configPlaceOf } from './config-flags.ts'
import type { ManagerView } from './manager-view.ts'

/** How long the manager may take for an answer that costs it no more than a look at itself. */
export const promptAnswerMs = 15_000

export interface AskOptions {
  readonly onProgress?: (facts: JsonObject) => void
  /** Without one the answer may take as long as it takes, as that of a transfer does. */
  readonly timeoutMs?: number
}

/**
 * Sends one request to the manager of the configuration folder that the command line names.
 *
 * @throws AgentError `MANAGER_NOT_RUNNING`, `POLICY_REFUSED`, `TIMEOUT`, or what the manager answered with
 */
export async function askRunningManager(
  invocation: Invocation,
  request: JsonObject,
  options: AskOptions = {},
): Promise<JsonObject> {
  const { loadManagerConfig } = await import('../config/manager-config.ts')
  const { settings } = await loadManagerConfig({
    configDir: configDirOf(invocation),
    environment: processEnvironment(),
  })
  try {
    return await askManagerOf(settings.runtimeDir, request, options)
  } catch (error) {
    throw lookedElsewhere(invocation, error) ?? error
  }
}

/** Where no connection file was found the folder is the likely reason, and it is told. */
function lookedElsewhere(invocation: Invocation, error: unknown): AgentError | undefined {
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
      `The device manager takes connections on ${ask.path}, but gave no answer within ${timeoutMs} ms.`,
      { remedy: 'Look into its log; restart it if it goes on like that.' },
    )
  return withDeadline(systemClock, timeoutMs, late, signal => askManager({ ...ask, signal }))
}

/** The manager that uses this runtime folder, as `check` sees it. */
export function managerOf(runtimeDir: string): ManagerView {
  return {
    ask: request => askManagerOf(runtimeDir, request, { timeoutMs: promptAnswerMs }),
    processId: () => lockHolder(join(runtimeDir, lockFileName)),
  }
}
