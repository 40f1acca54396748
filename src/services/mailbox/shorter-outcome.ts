// SPDX-License-Identifier: Apache-2.0
import type { ActionOutcome } from '../../protocol/action-reply.ts'

/** So much of a message goes with a shortened answer. */
const maxChars = 200

/**
 * An answer that is certain to be shorter, with the same status: first without its parameters and with the beginning of its
 * message, then with the status alone. Undefined when there is nothing left to leave out.
 */
export function shorterOutcome({ status, message = '', params }: ActionOutcome): ActionOutcome | undefined {
  if (params === undefined && message === '') return undefined
  if (params === undefined && message.length <= 2 * maxChars) return { status }
  const chars = message.length + (params === undefined ? 0 : JSON.stringify(params).length)
  const beginning = message.length > maxChars ? `${message.slice(0, maxChars)}… ` : message === '' ? '' : `${message} `
  return {
    status,
    message: `${beginning}[The whole answer, ${chars} characters, is too long for the way to the cloud; this is what it allows.]`,
  }
}
