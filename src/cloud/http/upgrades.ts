import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

export interface UpgradeRequest {
  readonly request: IncomingMessage
  readonly url: URL
  readonly socket: Socket
  readonly head: Buffer
}

/** Takes an upgrade over if it is its own; false lets the next one look. */
export type UpgradeHandler = (upgrade: UpgradeRequest) => boolean

/** Finds who takes a WebSocket upgrade, by its path. Whoever offers a service over WebSocket adds itself here. */
export class Upgrades {
  readonly #handlers: UpgradeHandler[] = []

  add(handler: UpgradeHandler): void {
    this.#handlers.push(handler)
  }

  take(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const url = parse(request.url)
    socket.on('error', () => socket.destroy())
    const upgrade = url === null ? undefined : { request, url, socket: socket as Socket, head }
    if (upgrade !== undefined && this.#handlers.some(handler => handler(upgrade))) return
    refuseUpgrade(socket, 404)
  }
}

function parse(path: string | undefined): URL | null {
  try {
    return new URL(path ?? '/', 'https://local')
  } catch {
    return null
  }
}

export function refuseUpgrade(socket: Duplex, status: number): void {
  socket.end(`HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}
