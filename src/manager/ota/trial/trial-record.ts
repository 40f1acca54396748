import { AgentError } from '../../../base/errors.ts'
import { isJsonObject, parseJson } from '../../../base/json.ts'
import { readBoundedText } from '../../../platform/files/read-file.ts'
import { removeFile, replaceFile } from '../../../platform/files/write-file.ts'

/** How often the new agent of one update was started on trial, and the process of the last time. */
export interface Trials {
  /** The id of the update. */
  readonly id: string
  readonly starts: number
  /** Names the process; absent while it is being started. */
  readonly mark?: string
}

const maxBytes = 4096

/** The trials of an update on flash, so that a machine that goes down with the new agent each time finds an end. */
export class TrialRecord {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  /** What is known about the update `id`. */
  async of(id: string): Promise<Trials> {
    const record = parseJson(await this.#text())
    if (!isJsonObject(record) || record.id !== id) return { id, starts: 0 }
    const { starts, mark } = record
    // A record that cannot be read must not begin the count anew for ever: it counts as one start.
    const known = typeof starts === 'number' && Number.isSafeInteger(starts) && starts >= 0 ? starts : 1
    return { id, starts: known, ...(typeof mark === 'string' ? { mark } : {}) }
  }

  /** On flash when it resolves. */
  async write(trials: Trials): Promise<void> {
    await replaceFile(this.#path, `${JSON.stringify(trials)}\n`)
  }

  async remove(): Promise<void> {
    await removeFile(this.#path)
  }

  async #text(): Promise<string> {
    try {
      return await readBoundedText(this.#path, maxBytes)
    } catch (error) {
      if (error instanceof AgentError && error.code === 'FILE_NOT_FOUND') return ''
      throw error
    }
  }
}
