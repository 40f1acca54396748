// SPDX-License-Identifier: Apache-2.0
import { checkedText, invalid, maxShortTextBytes } from './sample-fields.ts'

/** The most texts of one list, tags for example. */
const maxTexts = 100
/** The longest wait that a caller may ask for: a year. */
export const longestWaitMs = 365 * 86_400_000

/**
 * True or false and nothing that counts as one of them: the text "false" would be true.
 *
 * @throws AgentError `INVALID_ARGUMENT` naming `what`
 */
export function checkedFlag(what: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw invalid(what, value, 'must be true or false')
  return value
}

/**
 * A list of short texts; one text alone is no list.
 *
 * @throws AgentError `INVALID_ARGUMENT` naming `what`
 */
export function checkedTexts(what: string, value: unknown): readonly string[] {
  if (!Array.isArray(value)) throw invalid(what, value, 'must be an array of texts')
  if (value.length > maxTexts) throw invalid(what, value, `must have at most ${maxTexts} texts`)
  return value.map((text, index) => checkedText(`${what}[${index}]`, text, maxShortTextBytes))
}

/**
 * How long a call may take, and what ends it before; both may be absent.
 *
 * @throws AgentError `INVALID_ARGUMENT` naming the option
 */
export function checkWait({ timeoutMs, signal }: { readonly timeoutMs?: unknown; readonly signal?: unknown }): void {
  if (timeoutMs !== undefined && !(typeof timeoutMs === 'number' && timeoutMs >= 0 && timeoutMs <= longestWaitMs))
    throw invalid('timeoutMs', timeoutMs, `must be a number of milliseconds from 0 to ${longestWaitMs}`)
  if (signal !== undefined && !isSignal(signal)) throw invalid('signal', signal, 'must be an AbortSignal')
}

/** One of another realm, or of a library, is as good. */
function isSignal(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return 'aborted' in value && 'addEventListener' in value && typeof value.addEventListener === 'function'
}
