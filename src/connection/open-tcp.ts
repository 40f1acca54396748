import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { waitFor } from '../base/wait.ts'

/**
 * How long the first address of a name may take before the next one is tried. Node's default of 250 ms gives up
 * working addresses on cellular and satellite links, where a round trip alone can take longer.
 */
const nextAddressAfterMs = 2000
/** TCP's own probes: they free a socket whose peer has vanished, when nothing above does it. */
const probeAfterMs = 60_000

/**
 * A connected TCP socket: IPv6 and IPv4 are tried in the order the resolver gives them; small writes leave at once.
 * Rejects with the error of the system.
 */
export function openTcp(host: string, port: number, signal: AbortSignal): Promise<Socket> {
  return waitFor<Socket>(signal, (resolve, reject) => {
    const socket = connect({
      host,
      port,
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: nextAddressAfterMs,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: probeAfterMs,
    })
    let connected = false
    socket.once('connect', () => {
      connected = true
      resolve(socket)
    })
    socket.once('error', reject)
    return () => {
      socket.removeListener('error', reject)
      if (connected && !signal.aborted) return
      discard(socket)
    }
  })
}

/** Ends a socket that nobody wants any more; what becomes of it concerns nobody either. */
export function discard(socket: Duplex): void {
  socket.on('error', () => {})
  socket.destroy()
}

/** Sets a paused stream back to what a new one is: it flows as soon as somebody listens, and not before. */
export function unpause(socket: Duplex): void {
  // Node has no call for it; it does this when the last listener for "readable" goes.
  const nothing = () => {}
  socket.on('readable', nothing)
  socket.removeListener('readable', nothing)
}
