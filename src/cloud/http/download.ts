import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { numberOf } from '../faults/faults.ts'
import type { StoredFile, Ticket } from '../store/file-store.ts'
import type { State } from '../store/state.ts'
import type { JsonObject } from '../values/json.ts'
import { answer } from './body.ts'
import { readRange } from './range.ts'

/** How long a client may take to close its side of a connection that was cut. */
const longestGoodbyeMs = 1000

interface Part {
  readonly start: number
  readonly end: number
}

/** One download, whole or a range [TR50 5.2]. */
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

  /** Whether the body was delivered to its end, which uses the file id up [TR50 5.3]. */
  async run(): Promise<boolean> {
    const { file } = this.#ticket
    if (file === undefined) return false
    const response = this.#response
    const ignores = this.#request.headers.range !== undefined && this.#take('ignoreRange', file) !== undefined
    const range = ignores ? undefined : readRange(this.#request.headers.range, file.bytes)
    if (range === 'unsatisfiable') {
      answer(response, 416, 'Nothing there', { 'Content-Range': `bytes */${file.bytes}` })
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
      // What a device sent is no page of this cloud, whatever a browser makes of it.
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
    if (response.destroyed) throw new Error('the client is gone')
    if (response.write(bytes)) return
    const settled = new AbortController()
    const { signal } = settled
    try {
      await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })])
    } finally {
      // Takes away the listeners of the one that did not happen.
      settled.abort()
    }
  }

  /** Breaks off after these bytes, when they have left. */
  async #cut(bytes: Buffer): Promise<never> {
    const { socket } = this.#response
    if (bytes.length > 0) await new Promise<void>(resolve => this.#response.write(bytes, () => resolve()))
    else this.#response.flushHeaders()
    socket?.end()
    if (socket !== null) await Promise.race([once(socket, 'close'), wait(longestGoodbyeMs)])
    throw new Error('cut by a fault')
  }
}
