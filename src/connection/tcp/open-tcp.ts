// SPDX-License-Identifier: Apache-2.0
import { connect, isIP, type LookupFunction, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { AgentError } from '../../base/errors.ts'
import { waitFor } from '../../base/wait.ts'
import type { FoundAddress } from '../names/name-files.ts'
import { systemNames } from '../names/name-look-up.ts'

/**
 * How long the first address of a name may take before the next one is tried. Node's default of 250 ms gives up
 * working addresses on cellular and satellite links, where a round trip can take longer.
 */
const nextAddressAfterMs = 2000
/** TCP keep-alive frees a socket whose peer has vanished, if no layer above does. */
const probeAfterMs = 60_000

/** Why an address may not be dialled; undefined when it may. */
export type RefuseAddress = (address: string) => string | undefined

/**
 * A connected TCP socket. IPv6 and IPv4 are tried in the order of the look-up; small writes leave at once.
 * Rejects with the error of the system.
 *
 * @param refuse is asked about each address, of the name or `host` itself, before it is dialled
 * @throws AgentError `POLICY_REFUSED` when no address is left
 */
export function openTcp(host: string, port: number, signal: AbortSignal, refuse?: RefuseAddress): Promise<Socket> {
  return waitFor<Socket>(signal, (resolve, reject) => {
    const why = isIP(host) === 0 ? undefined : refuse?.(host)
    if (why !== undefined) throw new AgentError('POLICY_REFUSED', why)
    // Node passes no signal to a look-up, and one that goes on would keep the process alive.
    const lookingUp = new AbortController()
    const socket = connect({
      host,
      port,
      lookup: lookUp(lookingUp.signal, refuse),
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
      lookingUp.abort()
      socket.removeListener('error', reject)
      if (connected && !signal.aborted) return
      discard(socket)
    }
  })
}

/** The addresses of a name without the refused ones. The same addresses are checked and dialled, so no second look-up can differ. */
function lookUp(signal: AbortSignal, refuse: RefuseAddress = () => undefined): LookupFunction {
  return (host, options, done) => {
    admitted(host, signal, refuse).then(
      ([first, ...others]) => {
        if (options.all === true) done(null, [first, ...others])
        else done(null, first.address, first.family)
      },
      (error: NodeJS.ErrnoException) => done(error, []),
    )
  }
}

async function admitted(
  host: string,
  signal: AbortSignal,
  refuse: RefuseAddress,
): Promise<[FoundAddress, ...FoundAddress[]]> {
  const addresses = await systemNames.addressesOf(host, signal)
  const refusals = addresses.map(({ address }) => refuse(address))
  const [first, ...others] = addresses.filter((_, index) => refusals[index] === undefined)
  if (first === undefined) throw new AgentError('POLICY_REFUSED', `${host}: ${refusals.join('; ')}`)
  return [first, ...others]
}

/** Ends a socket that is no longer wanted, and ignores its errors. */
export function discard(socket: Duplex): void {
  socket.on('error', () => {})
  socket.destroy()
}

/** Resets a paused stream to the state of a new one: it flows as soon as a listener is added, and not before. */
export function unpause(socket: Duplex): void {
  // Node has no call for this, but does it when the last listener for "readable" is removed.
  const nothing = () => {}
  socket.on('readable', nothing)
  socket.removeListener('readable', nothing)
}
