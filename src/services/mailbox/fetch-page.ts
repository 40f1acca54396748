// SPDX-License-Identifier: Apache-2.0
import { AgentError, asAgentError } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json.ts'
import type { Ask } from '../../protocol/ask.ts'
import { mailboxCheck } from '../../protocol/commands.ts'
import { LargePage } from './large-page.ts'
import type { Mail } from './mail.ts'
import { mailsOf } from './page.ts'

/** What one check brought. */
export interface FetchedPage {
  readonly mails: Iterable<Mail>
  /** How many mails the cloud listed, as far as they came. */
  readonly listed: number
  /** The check failed; what had come of its mail until then is in {@link mails}. */
  readonly failure?: AgentError
}

/**
 * Checks the mailbox for at most `most` mails. What a check brings the cloud has handed out, perhaps for good [TR50 4.4]: so mail
 * is taken too that came in a page which is too large, that was cut off, or (by `late`) that came after the deadline.
 */
export async function fetchPage(
  ask: Ask,
  most: number,
  on: { late(mails: readonly Mail[]): void; large(facts: JsonObject): void },
): Promise<FetchedPage> {
  const page = new LargePage()
  try {
    const { messages = [] } = await ask(() => mailboxCheck(most), {
      onLarge: piece => page.take(piece),
      onLate: params => {
        const mails = Array.isArray(params.messages) ? [...mailsOf(params.messages)] : page.takeMails()
        if (mails.length > 0) on.late(mails)
      },
    })
    if (!Array.isArray(messages))
      throw new AgentError('PROTOCOL_VIOLATION', 'The cloud answered mailbox.check with messages that are no list.')
    return { mails: mailsOf(messages), listed: messages.length }
  } catch (error) {
    const failure = asAgentError(error)
    const mails = page.takeMails()
    const { bytes, dropped } = page
    if (bytes > 0) on.large({ bytes, mails: mails.length, ...(dropped > 0 ? { dropped } : {}), error: failure.message })
    return { mails, listed: mails.length, failure }
  }
}
