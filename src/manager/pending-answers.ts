import { AgentError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import type { Receipt } from '../outbox/outbox.ts'
import { isStatus, Status } from '../protocol/status.ts'
import type { AnswerLater } from './actions/power.ts'

/** One call that is still to be answered. */
export interface PendingAnswer {
  readonly id: string
  readonly status: Status
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
 * The calls that the next process answers: RUNTIME/message_ids, lines of `ID,STATUS` [TR50 7.6].
 * A line goes only when the cloud has the answer; a line that nobody understands stays where it is and harms nothing [M9].
 */
export class PendingAnswers implements AnswerLater {
  readonly #file: AnswerFile
  readonly #log: Log
  readonly #done = new Set<string>()
  #lastChange: Promise<unknown> = Promise.resolve()

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
    for (const { id } of answers) this.#done.add(id)
    return answers
  }

  wasDone(id: string): boolean {
    return this.#done.has(id)
  }

  /** Writes a line for a call that this process does not answer itself. On the disk when it resolves. */
  add(id: string, status: Status): Promise<void> {
    return this.#change(lines => [...lines, `${id},${status}`])
  }

  /** Takes the lines of a call away. */
  remove(id: string): Promise<void> {
    return this.#change(lines => lines.filter(line => parseLine(line)?.id !== id))
  }

  /**
   * Sends the answers and removes each line when the cloud has it. A refusal is final as well: the cloud has closed that
   * call. What cannot be delivered now stays for the next start.
   */
  async deliver(
    answers: readonly PendingAnswer[],
    acknowledge: (id: string, status: Status) => Promise<Receipt>,
    signal: AbortSignal,
  ): Promise<void> {
    for (const { id, status } of answers) {
      try {
        if (id !== idOfNobody) await (await acknowledge(id, status)).delivered({ signal })
      } catch (error) {
        if (!(error instanceof AgentError && error.code === 'REFUSED_BY_CLOUD')) {
          this.#log.warn('answer of an earlier process not delivered; it stays in message_ids', { id, error })
          continue
        }
        this.#log.info('the cloud has closed a call that an earlier process left open', { id, error })
      }
      await this.remove(id)
    }
  }

  /** One change after the other, so that two of them cannot undo each other. */
  #change(edit: (lines: readonly string[]) => readonly string[]): Promise<void> {
    const changed = this.#lastChange.then(async () => {
      const before = linesOf(await this.#file.read())
      const after = edit(before)
      if (after.length === 0) await this.#file.remove()
      else await this.#file.write(`${after.join('\n')}\n`)
    })
    this.#lastChange = changed.catch(() => {})
    return changed
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
