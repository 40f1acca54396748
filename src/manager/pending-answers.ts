// SPDX-License-Identifier: Apache-2.0
import { hasCode } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import type { Receipt } from '../outbox/outbox.ts'
import { isStatus, Status } from '../protocol/status.ts'

/** One call that is still to be answered. */
interface PendingAnswer {
  readonly id: string
  readonly status: Status
}

/** An answer that the outbox has. */
interface GivenAnswer {
  readonly id: string
  /** Undefined for a line that answers no call. */
  readonly receipt: Receipt | undefined
}

type Acknowledge = (id: string, outcome: { readonly status: Status; readonly message: string }) => Promise<Receipt>

/** The slice of the file system that keeps `message_ids`. */
export interface AnswerFile {
  /** The text of the file, or undefined when there is none. */
  read(): Promise<string | undefined>
  /** Replaces the file in one step, on the disk when it resolves. */
  write(text: string): Promise<void>
  remove(): Promise<void>
}

/** The Python agent's offline update, which no call has asked for, leaves lines with this id [TR50 7.7]. */
const idOfNoCall = 'unused'

/**
 * The calls that the Python agent or its update has left to answer: RUNTIME/message_ids, lines of `ID,STATUS` [TR50 7.6].
 * This agent has a journal for its own calls, and adds no line. A line is removed only when the cloud has the answer; a line
 * of another form stays in the file and does no harm [M9].
 */
export class PendingAnswers {
  readonly #file: AnswerFile
  readonly #log: Log
  readonly #acknowledge: Acknowledge
  #given: readonly GivenAnswer[] = []

  constructor(parts: { file: AnswerFile; log: Log; acknowledge: Acknowledge }) {
    this.#file = parts.file
    this.#log = parts.log
    this.#acknowledge = parts.acknowledge
  }

  /**
   * Hands the answers of an earlier process to the outbox, so that a call that comes again finds its answer. To be called
   * once, before the first connect. Never rejects.
   */
  async give(): Promise<void> {
    try {
      const answers = await this.#load()
      const given: GivenAnswer[] = []
      for (const answer of answers) given.push(...(await this.#giveOne(answer)))
      this.#given = given
    } catch (error) {
      this.#log.error('message_ids cannot be read; its answers are not sent', { error })
    }
  }

  async #load(): Promise<readonly PendingAnswer[]> {
    const lines = linesOf(await this.#file.read())
    const answers = lines.map(parseLine).filter(answer => answer !== undefined)
    if (answers.length < lines.length)
      this.#log.warn('message_ids has lines that are not ID,STATUS; they stay in the file', {
        lines: lines.length - answers.length,
      })
    return answers
  }

  async #giveOne({ id, status }: PendingAnswer): Promise<readonly GivenAnswer[]> {
    try {
      return [{ id, receipt: id === idOfNoCall ? undefined : await this.#acknowledge(id, { status, message: '' }) }]
    } catch (error) {
      this.#notDelivered(id, error)
      return []
    }
  }

  /**
   * Removes each line when the cloud has the answer. A refusal is final as well: the cloud has closed that call. What
   * cannot be delivered now stays for the next start, and so does every line when the manager ends: nothing waits for a write
   * then, so that it would be cut off, or meet the next manager. Never rejects.
   */
  async settle(signal: AbortSignal): Promise<void> {
    for (const answer of this.#given) {
      if (signal.aborted) return
      try {
        if (await this.#isSettled(answer, signal)) await this.#remove(answer.id)
      } catch (error) {
        this.#log.error('line not removed from message_ids', { id: answer.id, error })
      }
    }
  }

  async #isSettled({ id, receipt }: GivenAnswer, signal: AbortSignal): Promise<boolean> {
    try {
      await receipt?.delivered({ signal })
      return true
    } catch (error) {
      // The manager ends, and the next process continues.
      if (signal.aborted) return false
      if (hasCode(error, 'REFUSED_BY_CLOUD')) {
        this.#log.info('the cloud has closed a call that an earlier process left open', { id, error })
        return true
      }
      this.#notDelivered(id, error)
      return false
    }
  }

  #notDelivered(id: string, error: unknown): void {
    this.#log.warn('answer of an earlier process not delivered; it stays in message_ids', { id, error })
  }

  async #remove(id: string): Promise<void> {
    const after = linesOf(await this.#file.read()).filter(line => parseLine(line)?.id !== id)
    if (after.length === 0) await this.#file.remove()
    else await this.#file.write(`${after.join('\n')}\n`)
  }
}

function linesOf(text: string | undefined): string[] {
  return (text ?? '').split('\n').filter(line => line.trim() !== '')
}

function parseLine(line: string): PendingAnswer | undefined {
  const found = /^\s*([\w.-]{1,128})\s*,\s*(\d{1,2})\s*$/.exec(line)
  if (found === null) return undefined
  const [, id = '', code] = found
  const status = Number(code)
  return isStatus(status) && status !== Status.Invoked ? { id, status } : undefined
}
