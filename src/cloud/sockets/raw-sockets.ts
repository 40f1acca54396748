import type { Socket } from 'node:net'

/** Finds the TCP socket below a TLS one: only that can be ended with a reset. */
export class RawSockets {
  readonly #byRemote = new Map<string, Socket>()

  add(raw: Socket): void {
    const remote = remoteOf(raw)
    this.#byRemote.set(remote, raw)
    raw.once('close', () => {
      if (this.#byRemote.get(remote) === raw) this.#byRemote.delete(remote)
    })
  }

  /** The socket below, or the socket itself if it is not known. */
  below(socket: Socket): Socket {
    return this.#byRemote.get(remoteOf(socket)) ?? socket
  }
}

function remoteOf({ remoteAddress, remotePort, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localPort}`
}
