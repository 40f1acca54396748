// SPDX-License-Identifier: Apache-2.0
import { Status } from '../../protocol/status.ts'
import type { ManagedAction } from './action.ts'

/** `ping`: a sign of life with the device's own time [TR50 4.5]. */
export function pingAction(clock: { now(): number }): ManagedAction {
  return {
    name: 'ping',
    switchedBy: 'reset_agent',
    concurrency: 4,
    repeatable: true,
    run: () => ({
      status: Status.Success,
      message: '',
      params: { response: 'acknowledged', time_stamp: plainUtc(clock.now()) },
    }),
  }
}

/** `2024-03-05 10:11:12`, UTC, without `T` and `Z` [TR50 10]. */
function plainUtc(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(0, 19).replace('T', ' ')
}
