// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../base/clock.ts'
import { AgentError } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import { once } from '../base/lifecycle.ts'
import type { Log } from '../base/log.ts'
import type { Lane } from '../outbox/lanes.ts'
import type { Outbox, Receipt } from '../outbox/outbox.ts'
import { atProcessEnd } from '../platform/process/process-end.ts'
import type { WriteBudget } from '../platform/store/write-budget.ts'
import type { ActionOutcome } from '../protocol/action-reply.ts'
import type { Ask } from '../protocol/ask.ts'
import type { FlashJournal } from '../services/mailbox/flash-journal.ts'
import type { LeftMail } from '../services/mailbox/left-mail.ts'
import type { Mailbox } from '../services/mailbox/mailbox.ts'
import type { ClientFacts, Cloud, CloudStatus, FileTransfers } from './cloud.ts'
import type { Connection } from './connection.ts'
import { flush, lastWrite } from './flush.ts'
import { type LinkWait, untilUp } from './link-wait.ts'
import type { OnlineFiles } from './online-files.ts'
import type { QueueFolder } from './queue-folder.ts'

/** Who an online client is, which has a thing key. */
export type OnlineFacts = ClientFacts & { readonly thingKey: string }

interface OnlineCloudParts {
  readonly facts: OnlineFacts
  readonly clock: Clock
  readonly log: Log
  readonly connection: Connection
  readonly outbox: Outbox
  readonly journal: FlashJournal
  readonly mailbox: Mailbox
  readonly files: OnlineFiles
  readonly ask: Ask
  readonly folder: QueueFolder
  readonly writes: WriteBudget
}

/** The cloud of an online client, over parts that are open already. */
export class OnlineCloud implements Cloud {
  readonly facts: OnlineFacts
  readonly ask: Ask
  readonly #parts: OnlineCloudParts
  readonly #forgetEnd: () => void
  /** How many requests the cloud had answered when the present session began. */
  #answeredBefore = 0

  constructor(parts: OnlineCloudParts) {
    const { facts, ask, connection, outbox, journal } = parts
    this.facts = facts
    this.ask = ask
    this.#parts = parts
    connection.link.on('up', () => {
      this.#answeredBefore = connection.requester.counters().answered
    })
    this.#forgetEnd = atProcessEnd(isTimeLeft => lastWrite({ outbox, journal, thingKey: facts.thingKey }, isTimeLeft))
  }

  get isUp(): boolean {
    return this.#parts.connection.link.isUp
  }

  get isAlive(): boolean {
    return this.isUp && this.#parts.connection.requester.counters().answered > this.#answeredBefore
  }

  put(lane: Lane, item: JsonObject): Promise<Receipt> {
    return this.#parts.outbox.put(lane, item)
  }

  files(): Promise<FileTransfers> {
    return this.#parts.files.open()
  }

  answerCall(id: string, outcome: ActionOutcome): Promise<Receipt> {
    return this.#parts.mailbox.acknowledge(id, outcome)
  }

  updateCall(id: string, text: string): Promise<Receipt> {
    return this.#parts.mailbox.update(id, text)
  }

  leftCalls(): Promise<readonly LeftMail[]> {
    return this.#parts.mailbox.left()
  }

  readonly start = once(async () => {
    const { mailbox, connection, log } = this.#parts
    // What an earlier process left is taken up before new calls can come.
    await mailbox.resume().catch(error => log.error('cannot read the journal of actions', { error }))
    connection.link.start()
  })

  untilUp(wait: LinkWait): Promise<void> {
    const { connection, clock } = this.#parts
    return untilUp(connection.link, clock, wait)
  }

  stopCalls(): void {
    this.#parts.mailbox.close()
  }

  spill(): Promise<boolean> {
    return this.#parts.outbox.spill()
  }

  flush(timeoutMs: number): Promise<boolean> {
    const { mailbox, outbox, clock } = this.#parts
    return flush({ mailbox, outbox, clock, timeoutMs })
  }

  async close(timeoutMs: number): Promise<void> {
    const { mailbox, files, connection, outbox, journal, folder } = this.#parts
    mailbox.close()
    try {
      await files.close()
      await connection.link.close({ timeoutMs })
      connection.requester.close(new AgentError('CLOSED', 'The client is closed.'))
      await outbox.close()
      await journal.close()
    } finally {
      this.#forgetEnd()
      await folder.release()
    }
  }

  status(): CloudStatus {
    const { connection, outbox, mailbox, files, writes } = this.#parts
    return {
      link: connection.link.status(),
      outbox: outbox.stats(),
      requests: connection.requester.counters(),
      mailbox: mailbox.counters(),
      transfers: files.running,
      flashWrites: writes.counts(),
    }
  }
}
