import { resolve } from 'node:path'
import { currentFolder } from '../platform/process-facts.ts'
import type { Flag, Invocation } from './command.ts'

/** The flags that say which configuration is meant, with the defaults of the device manager. */
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
  summary: 'Folder of the configuration (default: the current one).',
  aliases: ['default-cfg-dir'],
}

export const configFileFlag: Flag = {
  name: 'config-file',
  short: 'f',
  value: 'FILE',
  summary: 'Name of the connection file in that folder (default: iot-connect.cfg).',
}

export interface ConfigPlace {
  readonly appId: string
  /** Absolute. */
  readonly configDir: string
  readonly configFile: string
}

/** The configuration that a command line means. */
export function configPlaceOf(invocation: Invocation): ConfigPlace {
  return {
    appId: invocation.value(appIdFlag.name) ?? 'device_manager',
    configDir: configDirOf(invocation),
    configFile: invocation.value(configFileFlag.name) ?? 'iot-connect.cfg',
  }
}

/** The configuration folder of a command line, absolute. */
export function configDirOf(invocation: Invocation): string {
  return resolve(invocation.value(configDirFlag.name) ?? currentFolder())
}
