// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Settings } from '../../config/settings.ts'

/** How long one check may take. */
export const checkTimeoutMs = 10_000

/** What every check of the network and the cloud needs. */
export interface CheckParts {
  readonly settings: Settings
  readonly clock: Clock
  readonly log: Log
}
