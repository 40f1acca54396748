// SPDX-License-Identifier: Apache-2.0
import type { AgentError } from '../base/errors.ts'
import { isTemporary, refusedError } from '../protocol/refusal.ts'
import type { CommandResult } from '../protocol/reply.ts'
import type { Lane } from './lanes.ts'
import type { Message } from './message.ts'
import type { StoredItem } from './store.ts'

/**
 * What the answer to a command means for its items: `delivered`; `later` = the same again after a pause; `split` = the batch
 * was refused, perhaps for one item of it, so each is sent for itself; `refused` = for good.
 */
type Disposition = 'delivered' | 'later' | 'split' | 'refused'

/** Classifies one answer. A missing or senseless answer is no refusal: the items stay. Pure. */
function classifyReply(result: CommandResult | undefined, batch: boolean): Disposition {
  if (result === undefined) return 'later'
  if (result.ok) return 'delivered'
  if (result.violation === true || isTemporary(result)) return 'later'
  return batch ? 'split' : 'refused'
}

/** An item that leaves the outbox undelivered, and why. */
export interface Refused {
  readonly item: StoredItem
  readonly error: AgentError
}

/** What the answer to a message means for its items. */
export interface SortedItems {
  readonly delivered: readonly StoredItem[]
  readonly refused: readonly Refused[]
  /** Some of the others are sent again after a pause. */
  readonly isLater: boolean
  /** Items up to this sequence are sent again, each for itself; undefined when no batch was refused. */
  readonly splitThrough: number | undefined
}

/** Sorts the items of a message by what the cloud has answered. */
export function sortByResult(lane: Lane, { groups }: Message, results: readonly CommandResult[]): SortedItems {
  const delivered: StoredItem[] = []
  const refused: Refused[] = []
  let isLater = false
  let splitThrough: number | undefined
  for (const [index, { items, batch }] of groups.entries()) {
    const result = results[index]
    const disposition = classifyReply(result, batch)
    if (disposition === 'delivered') for (const item of items) delivered.push(item)
    else if (disposition === 'later') isLater = true
    else if (disposition === 'split') splitThrough = items.at(-1)?.sequence ?? splitThrough
    else if (result?.ok === false)
      for (const item of items) refused.push({ item, error: refusedError(`an item of lane ${lane}`, result) })
  }
  return { delivered, refused, isLater, splitThrough }
}
