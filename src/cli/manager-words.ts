import { join, resolve } from 'node:path'
import type { JsonObject } from '../base/json.ts'
import type { Invocation } from './command.ts'
import { configDirOf } from './manager-socket.ts'

/** What the command line of a manager says of its configuration. */
export interface ManagerWords {
  readonly appId: string
  /** Absolute. */
  readonly configDir: string
  readonly configFile: string
  /** Settings that go before those of the connection file, shaped as it. */
  readonly settings: JsonObject
}

export function managerWords(invocation: Invocation): ManagerWords {
  const configDir = resolve(configDirOf(invocation))
  return {
    appId: invocation.value('app-id') ?? 'device_manager',
    configDir,
    configFile: invocation.value('config-file') ?? 'iot-connect.cfg',
    settings: {
      ...(invocation.has('log-to-file') ? { log_file: join(configDir, 'device_manager.log') } : {}),
      ...(invocation.has('log-to-syslog') ? { use_syslog: true } : {}),
    },
  }
}
