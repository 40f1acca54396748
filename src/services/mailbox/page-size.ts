// SPDX-License-Identifier: Apache-2.0
import type { AgentError, ErrorCode } from '../../base/errors.ts'
import { limits } from '../../protocol/limits.ts'

/** What may have happened because the page was too large: for the agent, for the time it had, or for the link. */
const signsOfSize: readonly ErrorCode[] = ['LIMIT_EXCEEDED', 'PROTOCOL_VIOLATION', 'TIMEOUT', 'LINK_LOST']

/** How many mails the next check asks for: half after a check that failed for its size or may have, down to one; else twice as many. */
export function nextPageMails(mails: number, failure?: AgentError): number {
  if (failure === undefined) return Math.min(limits.mailboxPage, 2 * mails)
  return signsOfSize.includes(failure.code) ? Math.max(1, Math.floor(mails / 2)) : mails
}
