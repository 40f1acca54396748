// SPDX-License-Identifier: Apache-2.0
import { AgentError } from '../../../base/errors.ts'
import { isJsonObject, parseJson } from '../../../base/json.ts'
import { readBoundedText } from '../../../platform/files/read-file.ts'
import { removeFile, replaceFile } from '../../../platform/files/write-file.ts'

/** How often the trial run of one update was started, and the process of the last time. */
export interface Trials {
  /** The id of the update. */
  readonly id: string
  readonly starts: number
  /** Names the process; absent while it is being started. */
  readonly mark?: string
}

const maxBytes = 4096

/** The trial runs of an update on flash, so that they end on a machine that goes down with the new agent each time. */
export class TrialRecord {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  /** The trial runs of the update `id`. */
  async of(id: string): Promise<Trials> {
    const record = parseJson(await this.#text())
    if (!isJsonObject(record) || record.id !== id) return { id, starts: 0 }
    const { starts, mark } = record
    // A record that cannot be parsed counts as one start: with none, the count might begin anew for ever.
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
