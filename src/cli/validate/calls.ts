// SPDX-License-Identifier: Apache-2.0
import type { JsonObject } from '../../base/json.ts'
import type { CommandResult } from '../../protocol/reply.ts'
import type { Operator } from './operator.ts'

interface Caller {
  readonly operator: Operator
  /** How long one check may take. */
  readonly timeoutMs: number
}

/** Calls an action of a thing as an operator does, and resolves to its answer. */
export function callAction(
  { operator, timeoutMs }: Caller,
  call: { readonly thingKey: string; readonly method: string; readonly params?: JsonObject },
  signal: AbortSignal,
): Promise<CommandResult> {
  const options = { timeoutMs: timeoutMs + 10_000, signal }
  return operator.ask('method.exec', { ...call, ackTimeout: ackTimeoutS(timeoutMs) }, options)
}

/** Shorter than the timeout of the check, so that the answer of the cloud still arrives when the thing gives none. */
function ackTimeoutS(timeoutMs: number): number {
  return Math.max(1, Math.min(300, Math.floor(timeoutMs / 1000) - 2))
}

/** A failure as text: its messages and its codes. */
export function describeAnswer({ errorCodes, errorMessages }: CommandResult & { readonly ok: false }): string {
  return `${errorMessages.join('; ') || 'no message'} (${errorCodes.join(', ') || 'no code'})`
}
