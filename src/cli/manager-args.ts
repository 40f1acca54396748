import { join } from 'node:path'
import type { JsonObject } from '../base/json.ts'
import type { Invocation } from './command.ts'
import { type ConfigPlace, configPlaceOf } from './config-flags.ts'

/** The arguments of a manager that name its configuration. */
export interface ManagerArgs extends ConfigPlace {
  /** Settings that go before those of the connection file, shaped as it. */
  readonly settings: JsonObject
}

export function managerArgs(invocation: Invocation): ManagerArgs {
  const place = configPlaceOf(invocation)
  return {
    ...place,
    settings: {
      ...(invocation.has('log-to-file') ? { log_file: join(place.configDir, 'device_manager.log') } : {}),
      ...(invocation.has('log-to-syslog') ? { use_syslog: true } : {}),
    },
  }
}
