// SPDX-License-Identifier: Apache-2.0
import { AgentError } from '../base/errors.ts'
import { strikesOfPoison, strikeWithinMs } from './candidate-group.ts'
import type { Lane } from './lanes.ts'
import type { StoredItem } from './store.ts'

const remedy =
  'Publish smaller items, or have the message limit of the broker raised; what was set aside is kept on the device and not sent again.'

/** The error that the publisher of a poison item gets. */
export function poisonError(lane: Lane, { json }: StoredItem): AgentError {
  const bytes = json.length
  return new AgentError('LIMIT_EXCEEDED', `An item of ${bytes} bytes for lane ${lane} was set aside: ${why}.`, {
    details: { lane, bytes, setAside: true },
    remedy,
  })
}

/** The text of the event that reports it. */
export function poisonText(lane: Lane, { json }: StoredItem): string {
  return `poison_item: an item of ${json.length} bytes for lane ${lane} was set aside: ${why}. ${remedy}`
}

const why = `the link ended ${strikesOfPoison} times within ${strikeWithinMs / 1000} s of sending it alone, while others passed; it is likely over the broker's limit`
