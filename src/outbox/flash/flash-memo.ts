// SPDX-License-Identifier: Apache-2.0
import { messageOf } from '../../base/errors.ts'
import { type Json, parseJson, toAsciiJson } from '../../base/json.ts'
import type { Log } from '../../base/log.ts'
import { frameRecord, scanRecords } from '../../base/record.ts'
import { SerialQueue } from '../../base/serial-queue.ts'
import type { StoreFolder } from '../../platform/store/store-folder.ts'
import type { Memo } from '../memo.ts'

export interface FlashMemoOptions<T> {
  readonly folder: StoreFolder
  readonly name: string
  /** What its writes are counted under. */
  readonly cause: string
  readonly log: Log
  readonly toJson: (value: T) => Json
  /** Undefined for what makes no sense, or is of another version. */
  readonly fromJson: (json: Json) => T | undefined
}

/** What is read of one; a larger file is not one of ours. */
const maxBytes = 16 * 1024 * 1024
/** A memo, its list, an entry, and what the entry holds: one more level than an item may have by itself. */
const maxDepth = 80

/**
 * A small file beside the segments, replaced whole: one record, with its sum, of JSON. An agent that does not know it leaves it
 * alone. A file that cannot be read or makes no sense counts as not there. A disk that does not take the file is logged once.
 */
export class FlashMemo<T> implements Memo<T> {
  readonly #options: FlashMemoOptions<T>
  readonly #serial = new SerialQueue()
  readonly found: T | undefined
  #isLogged = false

  private constructor(options: FlashMemoOptions<T>, found: T | undefined) {
    this.#options = options
    this.found = found
  }

  /** Reads what an earlier process left. */
  static async open<T>(options: FlashMemoOptions<T>): Promise<FlashMemo<T>> {
    const { folder, name, log, fromJson } = options
    let found: T | undefined
    try {
      if ((await folder.names()).includes(name))
        scanRecords(await folder.read(name, 0, maxBytes), ({ body }) => {
          const json = parseJson(Buffer.from(body).toString('latin1'), maxDepth)
          found = json === undefined ? undefined : fromJson(json)
          return false
        })
    } catch (error) {
      log.warn('a file of the outbox cannot be read', { path: `${folder.path}/${name}`, error: messageOf(error) })
    }
    return new FlashMemo(options, found)
  }

  save(value: T | undefined): Promise<boolean> {
    const { folder, name, cause } = this.#options
    const content = value === undefined ? undefined : this.#contentOf(value)
    return this.#serial.run(async () => {
      try {
        if (content === undefined) await folder.remove(name)
        else {
          await folder.prepare()
          await folder.replace(name, content, cause)
        }
        this.#isLogged = false
        return true
      } catch (error) {
        if (!this.#isLogged)
          this.#options.log.error('a file of the outbox cannot be written; what is in it is kept in memory only', {
            path: `${folder.path}/${name}`,
            error: messageOf(error),
          })
        this.#isLogged = true
        return false
      }
    })
  }

  saveNow(value: T): void {
    const { folder, name, cause } = this.#options
    folder.replaceNow(name, this.#contentOf(value), cause)
  }

  #contentOf(value: T): Uint8Array {
    return frameRecord(Buffer.from(toAsciiJson(this.#options.toJson(value)), 'latin1'))
  }
}
