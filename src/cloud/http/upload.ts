// SPDX-License-Identifier: Apache-2.0
import { rm } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { numberOf } from '../faults/faults.ts'
import type { PutOrder, Ticket } from '../store/file-store.ts'
import { logLevel, logType } from '../store/logs.ts'
import type { State } from '../store/state.ts'
import { crc32 } from '../values/crc32.ts'
import { answer } from './body.ts'

/** One upload. It is written to disk as it arrives, and becomes visible when it is complete and its CRC is right [TR50 5.1]. */
export class Upload {
  readonly #state: State
  readonly #ticket: Ticket
  readonly #request: IncomingMessage
  readonly #response: ServerResponse

  constructor(state: State, ticket: Ticket, request: IncomingMessage, response: ServerResponse) {
    this.#state = state
    this.#ticket = ticket
    this.#request = request
    this.#response = response
  }

  /** Receives the file; resolves to whether the file id is used up. */
  async run(): Promise<boolean> {
    const { put } = this.#ticket
    if (put === undefined) return false
    const { path, stream } = await this.#state.files.write()
    const meter = new Meter(this.#cutAt(put))
    try {
      await pipeline(this.#request, meter, stream)
    } catch {
      await rm(path, { force: true })
      // The pipeline has detached the request from its socket; the response still has it.
      this.#response.destroy()
      return false
    }
    return this.#finish(put, { path, bytes: meter.bytes, crc32: meter.sum })
  }

  #cutAt(put: PutOrder): number {
    return numberOf(
      this.#state.faults.take('cutUpload', { thingKey: put.thingKey }),
      'atByte',
      Number.POSITIVE_INFINITY,
    )
  }

  async #finish(put: PutOrder, content: { path: string; bytes: number; crc32: number }): Promise<boolean> {
    if (put.crc32 !== undefined && put.crc32 !== content.crc32) {
      await rm(content.path, { force: true })
      const status = numberOf(this.#state.faults.peek('uploadCrcStatus'), 'status', 400)
      answer(this.#response, status, `The crc32 is ${content.crc32}, not ${put.crc32}. The file was discarded.`)
      return true
    }
    await this.#state.files.keep(put, content)
    if (put.logComplete) {
      const thing = put.thingKey === undefined ? undefined : this.#state.things.byKey(put.thingKey)
      this.#state.logs.add({ msg: `File ${put.name} uploaded`, level: logLevel.info, type: logType.system }, thing)
    }
    answer(this.#response, 200, '')
    return true
  }
}

/** Counts bytes and computes their CRC; fails after byte `cutAt`, for the fault `cutUpload`. */
class Meter extends Transform {
  bytes = 0
  sum = 0
  readonly #cutAt: number

  constructor(cutAt: number) {
    super()
    this.#cutAt = cutAt
  }

  override _transform(chunk: Buffer, _: BufferEncoding, done: (error: Error | null, chunk?: Buffer) => void): void {
    this.bytes += chunk.length
    if (this.bytes > this.#cutAt) {
      done(new Error('A fault cut the upload.'))
      return
    }
    this.sum = crc32(chunk, this.sum)
    done(null, chunk)
  }
}
