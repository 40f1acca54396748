// SPDX-License-Identifier: Apache-2.0
import type { Socket } from 'node:net'

/** Finds the TCP socket below a TLS socket: only the former can be closed with a reset. */
export class RawSockets {
  readonly #byRemote = new Map<string, Socket>()

  add(raw: Socket): void {
    const remote = remoteOf(raw)
    this.#byRemote.set(remote, raw)
    raw.once('close', () => {
      if (this.#byRemote.get(remote) === raw) this.#byRemote.delete(remote)
    })
  }

  /** The TCP socket below; `socket` itself when there is none. */
  below(socket: Socket): Socket {
    return this.#byRemote.get(remoteOf(socket)) ?? socket
  }
}

function remoteOf({ remoteAddress, remotePort, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localPort}`
}
