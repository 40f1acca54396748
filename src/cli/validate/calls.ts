import type { JsonObject } from '../../base/json.ts'
import type { CommandResult } from '../../protocol/reply.ts'
import type { Operator } from './operator.ts'

interface Caller {
  readonly operator: Operator
  /** How long one check may take. */
  readonly timeoutMs: number
}

/** Calls an action of a thing as an operator does, and waits for its answer. */
export function callAction(
  { operator, timeoutMs }: Caller,
  call: { readonly thingKey: string; readonly method: string; readonly params?: JsonObject },
  signal: AbortSignal,
): Promise<CommandResult> {
  const options = { timeoutMs: timeoutMs + 10_000, signal }
  return operator.ask('method.exec', { ...call, ackTimeout: ackTimeoutS(timeoutMs) }, options)
}

/** The cloud gives up a little before we do, so that its own word is heard. */
function ackTimeoutS(timeoutMs: number): number {
  return Math.max(1, Math.min(300, Math.floor(timeoutMs / 1000) - 2))
}

/** An answer that is no success, in words. */
export function describeAnswer({ errorCodes, errorMessages }: CommandResult & { readonly ok: false }): string {
  return `${errorMessages.join('; ') || 'no message'} (${errorCodes.join(', ') || 'no code'})`
}
