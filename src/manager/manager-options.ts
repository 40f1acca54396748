// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { PowerOptions } from '../platform/process/power.ts'
import type { ManagerPlace } from './configuration/index.ts'
import type { MemoryTimes } from './memory/index.ts'

/** Why a manager ends by itself. */
export type EndReason = 'quit' | 'restart' | 'preflight' | 'decommission' | 'no-link' | 'memory' | 'root'

export interface ManagerOptions extends ManagerPlace {
  readonly clock: Clock
  /** The agent's own log; its level follows the settings. */
  readonly log: Log
  /** Called when an action, an update, the memory or `keep_alive` ends the manager; the owner then calls `close`. */
  readonly onEnd: (reason: EndReason) => void
  /** Fires when the manager is to end: a start that waits for another process waits no longer. */
  readonly signal?: AbortSignal | undefined
  /** The last lines of the log, for `device-cloud diag`. */
  readonly recentLog?: (() => string) | undefined
  /** Called when the text of the link may have changed. */
  readonly onChange?: (() => void) | undefined
  /** Other ways to switch a machine off, for tests only. */
  readonly powerOptions?: PowerOptions | undefined
  /** Shorter times of the memory watch, for tests only. */
  readonly memoryTimes?: MemoryTimes | undefined
}
