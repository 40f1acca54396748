import { hasCode } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import type { Receipt } from '../outbox/outbox.ts'
import { isStatus, Status } from '../protocol/status.ts'

/** One call that is still to be answered. */
export interface PendingAnswer {
  readonly id: string
  readonly status: Status
}

/** An answer that was taken charge of. */
export interface GivenAnswer {
  readonly id: string
  /** Absent when there was nobody to answer. */
  readonly receipt?: Receipt
}

/** The slice of the file system that keeps `message_ids`. */
export interface AnswerFile {
  /** The text of the file, or undefined when there is none. */
  read(): Promise<string | undefined>
  /** Replaces the file in one step, on the disk when it resolves. */
  write(text: string): Promise<void>
  remove(): Promise<void>
}

/** The Python agent's offline update leaves lines with this word for an id [TR50 7.7]. */
const idOfNobody = 'unused'

/**
 * The calls that the Python agent or its update has left to answer: RUNTIME/message_ids, lines of `ID,STATUS` [TR50 7.6].
 * This agent has a journal for its own calls, and adds no line. A line goes only when the cloud has the answer; a line that
 * nobody understands stays where it is and harms nothing [M9].
 */
export class PendingAnswers {
  readonly #file: AnswerFile
  readonly #log: Log

  constructor(parts: { file: AnswerFile; log: Log }) {
    this.#file = parts.file
    this.#log = parts.log
  }

  /** What an earlier process left to answer. To be called once, before the first connect. */
  async load(): Promise<readonly PendingAnswer[]> {
    const lines = linesOf(await this.#file.read())
    const answers = lines.map(parseLine).filter(answer => answer !== undefined)
    if (answers.length < lines.length)
      this.#log.warn('message_ids has lines that are not ID,STATUS; they stay in the file', {
        lines: lines.length - answers.length,
      })
    return answers
  }

  /**
   * Gives the answers; each is taken charge of when it resolves, so that a call that comes again finds its answer.
   *
   * @returns what there is to wait for, for {@link settle}
   */
  async give(
    answers: readonly PendingAnswer[],
    acknowledge: (id: string, status: Status) => Promise<Receipt>,
  ): Promise<readonly GivenAnswer[]> {
    const given: GivenAnswer[] = []
    for (const { id, status } of answers) {
      try {
        given.push(id === idOfNobody ? { id } : { id, receipt: await acknowledge(id, status) })
      } catch (error) {
        this.#notDelivered(id, error)
      }
    }
    return given
  }

  /**
   * Removes each line when the cloud has the answer. A refusal is final as well: the cloud has closed that call. What
   * cannot be delivered now stays for the next start.
   */
  async settle(given: readonly GivenAnswer[], signal: AbortSignal): Promise<void> {
    for (const { id, receipt } of given) {
      try {
        await receipt?.delivered({ signal })
      } catch (error) {
        // The manager ends, and the next one goes on.
        if (signal.aborted) continue
        if (!hasCode(error, 'REFUSED_BY_CLOUD')) {
          this.#notDelivered(id, error)
          continue
        }
        this.#log.info('the cloud has closed a call that an earlier process left open', { id, error })
      }
      await this.#remove(id)
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
