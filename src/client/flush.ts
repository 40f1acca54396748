// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../base/clock.ts'
import { AgentError, messageOf } from '../base/errors.ts'
import { withDeadline } from '../base/wait.ts'
import type { Outbox } from '../outbox/outbox.ts'
import type { FlashJournal } from '../services/mailbox/flash-journal.ts'
import type { Mailbox } from '../services/mailbox/mailbox.ts'

/** Whether the cloud has everything in time, the answers included that are still on their way into the outbox. */
export async function flush(parts: {
  readonly mailbox: Pick<Mailbox, 'answersTaken'>
  readonly outbox: Pick<Outbox, 'flush'>
  readonly clock: Clock
  readonly timeoutMs: number
}): Promise<boolean> {
  const { mailbox, outbox, clock, timeoutMs } = parts
  const endMs = clock.monotonicMs() + timeoutMs
  const late = () => new AgentError('TIMEOUT', `The answers were not recorded within ${timeoutMs} ms.`)
  const taken = await withDeadline(clock, timeoutMs, late, () => mailbox.answersTaken()).then(
    () => true,
    () => false,
  )
  const delivered = await outbox.flush({ timeoutMs: Math.max(0, endMs - clock.monotonicMs()) })
  return taken && delivered
}

/**
 * Writes to flash, while the process waits for its end, what would end with it.
 *
 * @returns what could not be written; undefined when everything was
 */
export function lastWrite(
  parts: {
    readonly outbox: Pick<Outbox, 'lastWrite'>
    readonly journal: Pick<FlashJournal, 'lastWrite'>
    readonly thingKey: string
  },
  isTimeLeft: () => boolean,
): string | undefined {
  const { outbox, journal, thingKey } = parts
  const { lost, failure } = outbox.lastWrite(isTimeLeft)
  const why = failure === undefined ? 'there was no time to write more' : messageOf(failure)
  const memos = 'what the outbox remembers beside its queue ends'
  const ending = lost === 0 ? memos : lost === 1 ? '1 sample ends' : `${lost} samples end`
  const texts = lost === 0 && failure === undefined ? [] : [`${thingKey}: ${ending} with the process: ${why}`]
  try {
    journal.lastWrite()
  } catch (error) {
    texts.push(`${thingKey}: the journal of actions is behind: ${messageOf(error)}`)
  }
  return texts.length === 0 ? undefined : texts.join('; ')
}
