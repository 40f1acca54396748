// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path'
import {
  type ConfigFolder,
  configFolderVariable,
  findConfigFolder,
  systemConfigFolder,
} from '../../config/config-folder.ts'
import { formatProblem } from '../../config/values.ts'
import { currentFolder, processEnvironment } from '../../platform/process/process-facts.ts'
import type { Command, Flag, Invocation, Terminal } from '../shell/command.ts'

/** Name of the connection file in its folder. */
export const defaultConnectionFile = 'iot-connect.cfg'

export const appIdFlag: Flag = {
  name: 'app-id',
  short: 'i',
  value: 'ID',
  summary: 'Name of the application (default: device_manager).',
}

export const configDirFlag: Flag = {
  name: 'config-dir',
  short: 'c',
  value: 'DIR',
  summary: `Folder of the configuration (default: ${configFolderVariable}, else the current folder if it holds a connection file, else ${systemConfigFolder}).`,
  aliases: ['default-cfg-dir'],
}

export const configFileFlag: Flag = {
  name: 'config-file',
  short: 'f',
  value: 'FILE',
  summary: `Name of the connection file in that folder (default: ${defaultConnectionFile}).`,
}

export interface ConfigPlace {
  readonly appId: string
  /** Absolute. */
  readonly configDir: string
  readonly configFile: string
  /** Folders that were searched before and have no connection file either. */
  readonly alsoTried?: readonly string[]
}

/**
 * The command line with the folder of its configuration, which is searched for once. Writes the warning that the search may give.
 * A command without the flag for the folder gets its command line back as it is.
 *
 * @param system the configuration folder of the device; only tests have another one
 */
export async function withConfigFolder(
  command: Command,
  invocation: Invocation,
  terminal: Terminal,
  system = systemConfigFolder,
): Promise<Invocation> {
  if (!command.flags.includes(configDirFlag)) return invocation
  const configFolder = await findConfigFolder({
    named: invocation.value(configDirFlag.name),
    environment: processEnvironment(),
    connectionFile: invocation.value(configFileFlag.name) ?? defaultConnectionFile,
    system,
  })
  if (configFolder.warning !== undefined) terminal.err(`warning: ${formatProblem(configFolder.warning)}\n`)
  return { ...invocation, configFolder }
}

/** The configuration that a command line names, with the defaults of the device manager. */
export function configPlaceOf(invocation: Invocation): ConfigPlace {
  return {
    appId: invocation.value(appIdFlag.name) ?? 'device_manager',
    configDir: configDirOf(invocation),
    configFile: invocation.value(configFileFlag.name) ?? defaultConnectionFile,
    alsoTried: folderOf(invocation).alsoTried,
  }
}

/** The configuration folder of a command line, absolute. */
export function configDirOf(invocation: Invocation): string {
  return folderOf(invocation).path
}

function folderOf({ configFolder, value }: Invocation): ConfigFolder {
  return configFolder ?? { path: resolve(value(configDirFlag.name) ?? currentFolder()), alsoTried: [] }
}
