import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Settings } from '../../config/settings.ts'

/** How long a rung may take. */
export const rungTimeoutMs = 10_000

/** What every rung works with. */
export interface LadderParts {
  readonly settings: Settings
  readonly clock: Clock
  readonly log: Log
}
