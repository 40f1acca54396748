// SPDX-License-Identifier: Apache-2.0
import { AgentError } from '../base/errors.ts'

/** Whether a request failed because the link ended, and not because this program closed it. */
export function isLinkEnd(error: unknown): boolean {
  if (!(error instanceof AgentError) || error.code !== 'LINK_LOST') return false
  return !(error.cause instanceof AgentError && error.cause.code === 'CLOSED')
}
