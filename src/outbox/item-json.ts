// SPDX-License-Identifier: Apache-2.0
import { AgentError } from '../base/errors.ts'
import { type JsonObject, toAsciiJson } from '../base/json.ts'
import { isMailboxAnswer } from '../protocol/publish-commands.ts'
import type { Lane } from './lanes.ts'

/**
 * The item of a lane as ASCII JSON, serialised once and for all.
 *
 * @throws AgentError `INVALID_ARGUMENT` when it is not JSON or not for this lane; `LIMIT_EXCEEDED` above `maxBytes`
 */
export function itemJson(lane: Lane, item: JsonObject, maxBytes: number): string {
  if (lane === 'ack' && !isMailboxAnswer(item))
    throw new AgentError('INVALID_ARGUMENT', 'Lane ack takes only mailbox.ack and mailbox.update.')
  let json: string
  try {
    json = toAsciiJson(item)
  } catch (cause) {
    throw new AgentError('INVALID_ARGUMENT', `The item for lane ${lane} is not JSON.`, { cause })
  }
  if (json.length <= maxBytes) return json
  throw new AgentError(
    'LIMIT_EXCEEDED',
    `An item of ${json.length} bytes for lane ${lane} is over the agent's limit of ${maxBytes} bytes.`,
  )
}
