import dns from 'node:dns'
import { connect, isIP, type LookupFunction, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { AgentError } from '../base/errors.ts'
import { waitFor } from '../base/wait.ts'

/**
 * How long the first address of a name may take before the next one is tried. Node's default of 250 ms gives up
 * working addresses on cellular and satellite links, where a round trip alone can take longer.
 */
const nextAddressAfterMs = 2000
/** TCP's own probes: they free a socket whose peer has vanished, when nothing above does it. */
const probeAfterMs = 60_000

/** Why an address may not be dialled; undefined when it may. */
export type RefuseAddress = (address: string) => string | undefined

/**
 * A connected TCP socket: IPv6 and IPv4 are tried in the order the resolver gives them; small writes leave at once.
 * Rejects with the error of the system.
 *
 * @param refuse asked about each address before it is dialled, which a name leads to or `host` is
 * @throws AgentError `POLICY_REFUSED` when no address is left
 */
export function openTcp(host: string, port: number, signal: AbortSignal, refuse?: RefuseAddress): Promise<Socket> {
  return waitFor<Socket>(signal, (resolve, reject) => {
    const why = isIP(host) === 0 ? undefined : refuse?.(host)
    if (why !== undefined) throw new AgentError('POLICY_REFUSED', why)
    const socket = connect({
      host,
      port,
      ...(refuse === undefined ? {} : { lookup: admitting(refuse) }),
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

/** The resolver, without the addresses that may not be dialled: what is judged is what is dialled. */
function admitting(refuse: RefuseAddress): LookupFunction {
  return (host, options, done) => {
    dns.lookup(host, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return done(error, [])
      const refusals = addresses.map(({ address }) => refuse(address))
      const admitted = addresses.filter((_, index) => refusals[index] === undefined)
      const [first] = admitted
      if (first === undefined) return done(new AgentError('POLICY_REFUSED', `${host}: ${refusals.join('; ')}`), [])
      if (options.all === true) done(null, admitted)
      else done(null, first.address, first.family)
    })
  }
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
