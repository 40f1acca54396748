// SPDX-License-Identifier: Apache-2.0
import { AgentError, withoutStop } from '../base/errors.ts'
import type { FailedResult, Refusal } from './reply.ts'
import { CloudError } from './status.ts'

// The shape of a rate-limit error is not public [TR50 11.3]; only its text shows it.
const throttling = /rate.?limit|throttl|too many|slow down|try again|busy|overload|temporar/i

/** Whether a refusal is about the moment and not about what was sent: the same request may pass later. */
export function isTemporary(refusal: Refusal): boolean {
  if (refusal.errorCodes.includes(CloudError.NotFound)) return false
  return refusal.errorMessages.some(message => throttling.test(message))
}

/** A refusal as an error: `REFUSED_BY_CLOUD`, or `THROTTLED` when it {@link isTemporary}; details hold codes and messages. */
export function refusedError(what: string, refusal: Refusal): AgentError {
  const { errorCodes, errorMessages } = refusal
  const why = errorMessages.length > 0 ? textOf(errorMessages) : 'no reason given'
  const codes = errorCodes.length > 0 ? ` (${errorCodes.join(', ')})` : ''
  const code = isTemporary(refusal) ? 'THROTTLED' : 'REFUSED_BY_CLOUD'
  return new AgentError(code, `The cloud refused ${what}: ${why}${codes}.`, { details: { errorCodes, errorMessages } })
}

/** A failed result as an error: `PROTOCOL_VIOLATION` when the cloud gave no proper answer, else {@link refusedError}. */
export function resultError(command: string, result: FailedResult): AgentError {
  if (result.violation !== true) return refusedError(command, result)
  return new AgentError('PROTOCOL_VIOLATION', `The reply to ${command} is not TR50: ${textOf(result.errorMessages)}.`)
}

/** Sentences of the cloud, to go into one of the agent. */
function textOf(messages: readonly string[]): string {
  return messages.map(withoutStop).join('; ')
}
