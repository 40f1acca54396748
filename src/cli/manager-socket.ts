import { join } from 'node:path'
import type { JsonObject } from '../base/json.ts'
import { askManager } from '../manager/local-socket/client.ts'
import { socketFileName } from '../manager/local-socket/socket-path.ts'
import { currentFolder, processEnvironment } from '../platform/process-facts.ts'
import type { Flag, Invocation } from './command.ts'

/** `-c`, as every command has it that looks for the manager's files. */
export const configDirFlag: Flag = {
  name: 'config-dir',
  short: 'c',
  value: 'DIR',
  summary: 'Folder of the configuration (default: the current one).',
  aliases: ['default-cfg-dir'],
}

/** The configuration folder of a command line. */
export function configDirOf(invocation: Invocation): string {
  return invocation.value(configDirFlag.name) ?? currentFolder()
}

/** Sends one request to the manager of the configuration folder that the command line names. */
export async function askRunningManager(
  invocation: Invocation,
  request: JsonObject,
  onProgress?: (facts: JsonObject) => void,
): Promise<JsonObject> {
  const { loadManagerConfig } = await import('../config/manager-config.ts')
  const { settings } = await loadManagerConfig({
    configDir: configDirOf(invocation),
    environment: processEnvironment(),
  })
  const path = join(settings.runtimeDir, socketFileName)
  return askManager({ path, request, ...(onProgress === undefined ? {} : { onProgress }) })
}
