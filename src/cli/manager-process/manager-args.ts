// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'
import type { JsonObject } from '../../base/json.ts'
import { type ConfigPlace, configPlaceOf } from '../config/config-flags.ts'
import type { Invocation } from '../shell/command.ts'

/** The configuration that the command line of a manager names. */
export interface ManagerArgs extends ConfigPlace {
  /** Settings that go before those of the connection file, in the same shape. */
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
