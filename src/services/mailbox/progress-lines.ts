// SPDX-License-Identifier: Apache-2.0
import { AgentError } from '../../base/errors.ts'
import type { LaneInput, Receipt } from '../../outbox/outbox.ts'
import { mailboxUpdate } from '../../protocol/commands.ts'

/** How many characters of progress lines may wait for the cloud. They wait in memory, and an action may write without end. */
export const maxProgressChars = 1024 * 1024

/** The progress lines on their way to the cloud [TR50 mailbox.update]. */
export class ProgressLines {
  readonly #outbox: LaneInput<'ack'>
  #chars = 0

  constructor(outbox: LaneInput<'ack'>) {
    this.#outbox = outbox
  }

  /** @throws AgentError `OUTBOX_FULL` when too much waits already */
  async send(id: string, text: string): Promise<Receipt> {
    if (this.#chars + text.length > maxProgressChars)
      throw new AgentError('OUTBOX_FULL', 'Too many progress lines wait for the cloud; this one is left out.')
    this.#chars += text.length
    const gone = () => {
      this.#chars -= text.length
    }
    try {
      const receipt = await this.#outbox.put('ack', { ...mailboxUpdate({ id, msg: text }) })
      receipt.delivered().then(gone, gone)
      return receipt
    } catch (error) {
      gone()
      throw error
    }
  }
}
