// SPDX-License-Identifier: Apache-2.0
import type { JsonObject } from '../../base/json.ts'
import type { CommandResult } from '../../protocol/reply.ts'
import { Status } from '../../protocol/status.ts'
import type { Skip } from '../checks/run-checks.ts'
import { callAction, describeAnswer } from './calls.ts'
import type { Operator } from './operator.ts'
import { type CheckBounds, notProven, type ValidationCheck } from './validation-context.ts'

/** What the checks of a running device manager use: only the operator's side of the cloud. */
export interface ManagerContext extends CheckBounds {
  readonly operator: Operator
  readonly thingKey: string
  /** Publishes a number through the local socket of the manager; absent when it does not run on this machine. */
  readonly publish?: ((name: string, value: number) => Promise<unknown>) | undefined
}

export type ManagerCheck = ValidationCheck<ManagerContext>

/** What every check of a manager needs. */
export const managerNeeds = ['operator login', 'connected'] as const

/** Calls an action of the manager. Resolves to a {@link Skip} where the owner of the device has switched it off. */
export async function callManager(
  context: ManagerContext,
  signal: AbortSignal,
  method: string,
  params: JsonObject = {},
): Promise<CommandResult | Skip> {
  const answer = await callAction(context, { thingKey: context.thingKey, method, params }, signal)
  const isOff = !answer.ok && answer.errorCodes.includes(Status.NotSupported)
  return isOff ? { skip: `switched off on this device: ${describeAnswer(answer)}` } : answer
}

/** The parameters of an answer, which must be a success. */
export function succeeded(method: string, answer: CommandResult): JsonObject {
  if (answer.ok) return answer.params
  throw notProven(`${method} was not answered as a success: ${describeAnswer(answer)}`)
}
