import { join } from 'node:path'
import { systemClock } from '../base/clock.ts'
import { AgentError, retold } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import { withDeadline } from '../base/wait.ts'
import { askManager } from '../manager/local-socket/client.ts'
import { socketFileName } from '../manager/local-socket/socket-path.ts'
import { lockFileName } from '../manager/runtime-folder.ts'
import { fileFacts } from '../platform/file-facts.ts'
import { processEnvironment } from '../platform/process-facts.ts'
import { lockHolder } from '../platform/process-lock.ts'
import type { Invocation } from './command.ts'
import { configDirOf } from './config-flags.ts'
import type { ManagerView } from './ladder/manager-view.ts'

const connectionFileName = 'iot-connect.cfg'

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
    throw (await lookedElsewhere(invocation, error)) ?? error
  }
}

/** A shell on a device rarely stands in the folder of the configuration: that is the likely reason, and it is told. */
async function lookedElsewhere(invocation: Invocation, error: unknown): Promise<AgentError | undefined> {
  if (!(error instanceof AgentError) || error.code !== 'MANAGER_NOT_RUNNING') return undefined
  const { defaultPlan } = await import('../manager/service/service-plan.ts')
  const hint = await otherFolderHint(invocation.value('config-dir'), defaultPlan.configDir)
  return hint === undefined ? undefined : retold(error, `${error.message} ${hint}`)
}

/** What to try where no folder is named, this one has no configuration and that of the service has. */
export async function otherFolderHint(
  named: string | undefined,
  serviceFolder: string,
  here = '.',
): Promise<string | undefined> {
  const has = async (folder: string) => {
    const facts = await fileFacts(join(folder, connectionFileName)).catch(() => undefined)
    return facts !== undefined
  }
  if (named !== undefined || (await has(here)) || !(await has(serviceFolder))) return undefined
  return `This folder has no ${connectionFileName}, and ${serviceFolder} has one: add "-c ${serviceFolder}".`
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
