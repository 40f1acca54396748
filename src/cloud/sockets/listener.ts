// SPDX-License-Identifier: Apache-2.0
import type { AddressInfo, Server, Socket } from 'node:net'

/** One port. It can be closed and opened again while its connections stay open. */
export class Listener {
  readonly #server: Server
  readonly #host: string
  readonly #sockets = new Set<Socket>()
  #port: number

  constructor(server: Server, host: string, port: number) {
    this.#server = server
    this.#host = host
    this.#port = port
    server.on('connection', (socket: Socket) => {
      // Answers are sent at once instead of being gathered.
      socket.setNoDelay(true)
      socket.on('error', () => socket.destroy())
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
  }

  /** The real port, also when the caller asked for 0. */
  get port(): number {
    return this.#port
  }

  async open(): Promise<void> {
    if (this.#server.listening) return
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ port: this.#port, host: this.#host, exclusive: true }, () => {
        this.#server.off('error', reject)
        resolve()
      })
    })
    this.#port = (this.#server.address() as AddressInfo).port
  }

  /** Takes no new connections; open ones stay. */
  shut(): void {
    if (this.#server.listening) this.#server.close()
  }

  /** Closes the port and every connection. */
  async stop(): Promise<void> {
    const closed = new Promise<void>(resolve => this.#server.once('close', () => resolve()))
    const wasOpen = this.#server.listening
    this.shut()
    for (const socket of this.#sockets) socket.destroy()
    if (wasOpen) await closed
  }
}
