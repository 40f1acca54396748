// SPDX-License-Identifier: Apache-2.0
import { createServer, type Server, type Socket } from 'node:net'
import type { WebSocket } from 'ws'

const marks = { single: 'CONNECTED-129812', connect: 'CONNECTED-581273', disconnect: 'DISCONNECTED-581273' }
/** In a text frame the index of a client is one byte, so it is ASCII [TR50 6.3]. */
const maxClients = 128
/** Bytes that may wait for one side before the other side is paused, and below which it is read again. */
const maxWaitingBytes = 1024 * 1024
const lowWaitingBytes = 256 * 1024

export interface RelayOrder {
  readonly thingKey: string
  readonly host: string
  readonly port: number
  /** True: several clients, each on a channel of its own. False: one client and no channels. */
  readonly multi: boolean
  readonly reconnect: boolean
  /** The type of frame in which connects and disconnects are sent; a device must take both. */
  readonly control: 'text' | 'binary'
  /** The port for operators' clients; 0 is any free port. */
  readonly listen: number
}

/** One relay session: the WebSocket of a device, and a port of this machine for operators' clients [TR50 6]. */
export class RelaySession {
  readonly id: string
  readonly order: RelayOrder
  readonly startedMs = Date.now()
  readonly #onEnd: () => void
  readonly #clients = new Map<number, Socket>()
  readonly #server: Server
  readonly #attached: Promise<void>
  #resolveAttached: () => void = () => {}
  #webSocket: WebSocket | undefined
  #next = 0
  #ended: string | undefined
  #clientsPaused = false
  readonly #counts = { clients: 0, bytesToDevice: 0, bytesFromDevice: 0 }

  constructor(id: string, order: RelayOrder, onEnd: () => void) {
    this.id = id
    this.order = order
    this.#onEnd = onEnd
    this.#attached = new Promise(resolve => {
      this.#resolveAttached = resolve
    })
    this.#server = createServer({ noDelay: true }, client => this.#takeClient(client))
    this.#server.on('error', error => this.end(`the port for operators failed: ${error.message}`))
  }

  /** Whether a device has connected; the URL works once. */
  get isTaken(): boolean {
    return this.#webSocket !== undefined || this.#ended !== undefined
  }

  get ended(): string | undefined {
    return this.#ended
  }

  counts() {
    return { ...this.#counts, openClients: this.#clients.size }
  }

  /** Uses the WebSocket of the device. */
  attach(webSocket: WebSocket): void {
    this.#webSocket = webSocket
    webSocket.on('message', (data, isBinary) => Buffer.isBuffer(data) && this.#fromDevice(data, isBinary))
    webSocket.on('error', () => {})
    webSocket.once('close', code => this.end(`the device closed the session (${code})`))
    this.#resolveAttached()
  }

  /** Waits for the device, then opens the port for operators; resolves to the port. */
  async listen(timeoutMs: number): Promise<number> {
    let timer: NodeJS.Timeout | undefined
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('The device did not connect to the relay.')), timeoutMs)
    })
    try {
      await Promise.race([this.#attached, timeout])
    } finally {
      clearTimeout(timer)
    }
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      // Loopback only: every client of this port reaches the device.
      this.#server.listen(this.order.listen, '127.0.0.1', resolve)
    })
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('The relay has no TCP port.')
    return address.port
  }

  end(reason: string): void {
    if (this.#ended !== undefined) return
    this.#ended = reason
    this.#server.close()
    const webSocket = this.#webSocket
    webSocket?.resume()
    webSocket?.close(1000)
    // end(), not destroy(): bytes from the device still reach its client.
    for (const client of this.#clients.values()) client.end()
    this.#clients.clear()
    this.#onEnd()
  }

  #takeClient(client: Socket): void {
    client.on('error', () => client.destroy())
    const index = this.#freeIndex()
    if (index === undefined) {
      client.destroy()
      return
    }
    this.#clients.set(index, client)
    this.#counts.clients++
    if (this.#clientsPaused) client.pause()
    if (this.order.multi) this.#control(index, marks.connect)
    else this.#send(Buffer.from(marks.single), this.order.control === 'binary')
    client.on('data', bytes => {
      this.#counts.bytesToDevice += bytes.length
      this.#send(this.order.multi ? Buffer.concat([Buffer.of(index), bytes]) : bytes, true)
    })
    client.on('drain', () => this.#resumeDevice())
    client.once('close', () => {
      if (this.#clients.get(index) !== client) return
      this.#clients.delete(index)
      if (this.order.multi) this.#control(index, marks.disconnect)
      else this.end('the client left')
      this.#resumeDevice()
    })
  }

  /** Goes round: bytes from the device for a client that left must not reach the next client. */
  #freeIndex(): number | undefined {
    if (!this.order.multi) return this.#counts.clients === 0 ? 0 : undefined
    for (let tried = 0; tried < maxClients; tried++) {
      const index = this.#next++ % maxClients
      if (!this.#clients.has(index)) return index
    }
    return undefined
  }

  #fromDevice(data: Buffer, isBinary: boolean): void {
    if (this.#ended !== undefined) return
    if (!this.order.multi) {
      this.#toClient(0, data)
      return
    }
    const index = data[0] ?? -1
    const rest = data.subarray(1)
    // A device sends a disconnect as text and data as binary, so nothing has to be guessed.
    if (isBinary) {
      this.#toClient(index, rest)
      return
    }
    if (rest.toString() !== marks.disconnect) return
    const client = this.#clients.get(index)
    this.#clients.delete(index)
    client?.end()
    this.#resumeDevice()
  }

  #toClient(index: number, bytes: Buffer): void {
    const client = this.#clients.get(index)
    if (client === undefined) return
    this.#counts.bytesFromDevice += bytes.length
    client.write(bytes)
    if (client.writableLength > maxWaitingBytes) this.#webSocket?.pause()
  }

  #resumeDevice(): void {
    const isFull = [...this.#clients.values()].some(client => client.writableLength > maxWaitingBytes)
    if (!isFull) this.#webSocket?.resume()
  }

  #control(index: number, mark: string): void {
    this.#send(Buffer.concat([Buffer.of(index), Buffer.from(mark)]), this.order.control === 'binary')
  }

  #send(message: Buffer, binary: boolean): void {
    const webSocket = this.#webSocket
    if (webSocket === undefined || webSocket.readyState !== webSocket.OPEN) return
    webSocket.send(message, { binary }, () => {
      if (!this.#clientsPaused || webSocket.bufferedAmount > lowWaitingBytes) return
      this.#clientsPaused = false
      for (const client of this.#clients.values()) client.resume()
    })
    if (this.#clientsPaused || webSocket.bufferedAmount <= maxWaitingBytes) return
    this.#clientsPaused = true
    for (const client of this.#clients.values()) client.pause()
  }
}
