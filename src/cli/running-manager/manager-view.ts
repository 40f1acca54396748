// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'
import type { JsonObject } from '../../base/json.ts'
import { lockFileName } from '../../manager/runtime-names.ts'
import { lockHolder } from '../../platform/process/process-lock.ts'
import { askManagerOf, promptAnswerMs } from './ask-manager.ts'

/** The manager that may be running with this configuration. */
export interface ManagerView {
  /** Rejects `MANAGER_NOT_RUNNING` when no manager answers, `POLICY_REFUSED` when this user may not ask it. */
  ask(request: JsonObject): Promise<JsonObject>
  /** The process that uses the runtime folder, or undefined. Rejects when this user may not see that. */
  processId(): Promise<number | undefined>
}

/** The manager that uses this runtime folder. */
export function managerOf(runtimeDir: string): ManagerView {
  return {
    ask: request => askManagerOf(runtimeDir, request, { timeoutMs: promptAnswerMs }),
    processId: () => lockHolder(join(runtimeDir, lockFileName)),
  }
}
