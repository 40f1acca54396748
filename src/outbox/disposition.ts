import { isTemporary } from '../protocol/refusal.ts'
import type { CommandResult } from '../protocol/reply.ts'

/**
 * What the answer to a command means for its items: `delivered`; `later` = the same again after a pause; `split` = the batch
 * was refused, perhaps for one item of it, so each is sent for itself; `refused` = for good.
 */
export type Disposition = 'delivered' | 'later' | 'split' | 'refused'

/** Classifies one answer. A missing or senseless answer is no refusal: the items stay. Pure. */
export function classifyReply(result: CommandResult | undefined, batch: boolean): Disposition {
  if (result === undefined) return 'later'
  if (result.ok) return 'delivered'
  if (result.violation === true || isTemporary(result)) return 'later'
  return batch ? 'split' : 'refused'
}
