import type { AddressInfo, Server, Socket } from 'node:net'

/** One port: it can be closed and opened again while its connections live on. */
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
      // What is answered goes out at once, not when more has gathered.
      socket.setNoDelay(true)
      socket.on('error', () => socket.destroy())
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
  }

  /** The real port, also when 0 was asked for. */
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

  /** Takes no new connections; those there are stay. */
  shut(): void {
    if (this.#server.listening) this.#server.close()
  }

  /** Ends all of it. */
  async stop(): Promise<void> {
    const closed = new Promise<void>(resolve => this.#server.once('close', () => resolve()))
    const wasOpen = this.#server.listening
    this.shut()
    for (const socket of this.#sockets) socket.destroy()
    if (wasOpen) await closed
  }
}
