// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { numberOf } from '../faults/faults.ts'
import type { StoredFile, Ticket } from '../store/file-store.ts'
import type { State } from '../store/state.ts'
import type { JsonObject } from '../values/json.ts'
import { answer } from './body.ts'
import { readRange } from './range.ts'

/** How long a client may take to close its side of a connection that a fault cuts. */
const maxCloseMs = 1000

interface Part {
  readonly start: number
  readonly end: number
}

/** One download of a whole file or a range [TR50 5.2]. */
export class Download {
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

  /** Sends the file; resolves to whether the body was delivered completely, which uses up the file id [TR50 5.3]. */
  async run(): Promise<boolean> {
    const { file } = this.#ticket
    if (file === undefined) return false
    const response = this.#response
    const ignoresRange = this.#request.headers.range !== undefined && this.#take('ignoreRange', file) !== undefined
    const range = ignoresRange ? undefined : readRange(this.#request.headers.range, file.bytes)
    if (range === 'unsatisfiable') {
      answer(response, 416, 'The file has no such bytes.', { 'Content-Range': `bytes */${file.bytes}` })
      return false
    }
    const part: Part = range ?? { start: 0, end: file.bytes - 1 }
    this.#head(file, part, range !== undefined)
    if (this.#request.method === 'HEAD') {
      response.end()
      return false
    }
    try {
      await this.#send(file, part)
    } catch {
      response.destroy()
      return false
    }
    const finished = once(response, 'close')
    response.end()
    await finished
    return response.writableFinished
  }

  #take(name: 'ignoreRange' | 'lengthDownload' | 'cutDownload' | 'slowDownload' | 'corruptDownload', file: StoredFile) {
    return this.#state.faults.take(name, { thingKey: file.thingKey })
  }

  #head(file: StoredFile, { start, end }: Part, isPart: boolean): void {
    const hasLength = this.#take('lengthDownload', file) !== undefined || this.#request.method === 'HEAD'
    this.#response.writeHead(isPart ? 206 : 200, {
      'Content-Type': 'application/octet-stream',
      // A browser must not show a device's file as a page of this cloud.
      'Content-Disposition': 'attachment',
      'Accept-Ranges': 'bytes',
      ETag: `"${file.id}"`,
      ...(isPart ? { 'Content-Range': `bytes ${start}-${end}/${file.bytes}` } : {}),
      // The real cloud sends chunks, without a length [TR50 5.2].
      ...(hasLength ? { 'Content-Length': end - start + 1 } : {}),
    })
  }

  async #send(file: StoredFile, { start, end }: Part): Promise<void> {
    if (end < start) return
    const cutAt = numberOf(this.#take('cutDownload', file), 'atByte', Number.POSITIVE_INFINITY)
    const slow = this.#take('slowDownload', file)
    const isCorrupt = this.#take('corruptDownload', file) !== undefined
    let at = start
    for await (const chunk of this.#state.files.read(file, start, end)) {
      if (!Buffer.isBuffer(chunk)) continue
      if (isCorrupt && at === start) chunk[0] = (chunk[0] ?? 0) ^ 0xff
      if (at + chunk.length > cutAt) return this.#cut(chunk.subarray(0, Math.max(0, cutAt - at)))
      await this.#write(chunk, slow)
      at += chunk.length
    }
  }

  async #write(bytes: Buffer, slow: JsonObject | undefined): Promise<void> {
    if (slow === undefined) return this.#put(bytes)
    const perSecond = Math.max(1, numberOf(slow, 'bytesPerSecond', 64 * 1024))
    const step = Math.max(1, Math.ceil(perSecond / 10))
    for (let at = 0; at < bytes.length; at += step) {
      const piece = bytes.subarray(at, at + step)
      await this.#put(piece)
      await wait((piece.length / perSecond) * 1000)
    }
  }

  async #put(bytes: Buffer): Promise<void> {
    const response = this.#response
    if (response.destroyed) throw new Error('The client has left.')
    if (response.write(bytes)) return
    const settled = new AbortController()
    const { signal } = settled
    try {
      await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })])
    } finally {
      // Removes the listener for the event that did not happen.
      settled.abort()
    }
  }

  /** Sends these bytes, then closes the connection. */
  async #cut(bytes: Buffer): Promise<never> {
    const { socket } = this.#response
    if (bytes.length > 0) await new Promise<void>(resolve => this.#response.write(bytes, () => resolve()))
    else this.#response.flushHeaders()
    socket?.end()
    if (socket !== null) await Promise.race([once(socket, 'close'), wait(maxCloseMs)])
    throw new Error('A fault cut the download.')
  }
}
