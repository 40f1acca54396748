// SPDX-License-Identifier: Apache-2.0
import type { Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'
import type { Clock } from '../../base/clock.ts'
import { AgentError } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import { throwIfAborted, waitFor, withDeadline } from '../../base/wait.ts'
import type { ProxySettings } from '../../config/settings.ts'
import type { ProxyRequest } from '../proxy/proxy-request.ts'
import { openThroughProxy } from '../proxy/through-proxy.ts'
import { hostAndPort, type SocketTarget, wireHost } from '../tcp/endpoint.ts'
import { tcpFailure } from '../tcp/failure.ts'
import { type NamedBy, namedByCloud, namedByProxy, reachRemedy } from '../tcp/named-by.ts'
import { discard, openTcp, type RefuseAddress } from '../tcp/open-tcp.ts'
import { type ShownChain, shownChain } from '../tls/shown-chain.ts'
import { watchConfirmation } from '../tls/tls-end.ts'
import { type TlsFacts, tlsFailure } from '../tls/tls-failure.ts'
import { Trust, type TrustOptions } from '../tls/trust.ts'
import type { TrustSettings } from '../tls/trust-settings.ts'

export interface SocketOpenerOptions {
  readonly proxy?: ProxySettings | undefined
  readonly trust: TrustSettings
  readonly clock: Clock
  readonly log: Log
}

export interface OpenOptions {
  /** For everything together: name, TCP, proxy and TLS. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
  /** Called for each address before it is dialled. Not called behind a proxy, which resolves names itself. */
  readonly refuse?: RefuseAddress | undefined
  /** For the remedy of a failure; default: the settings of the cloud. */
  readonly namedBy?: NamedBy | undefined
}

/** Most hosts whose address is remembered; the cloud and its file service are among the first. */
const maxAddresses = 16

interface OpenRequest extends ProxyRequest {
  readonly refuse: RefuseAddress | undefined
  readonly namedBy: NamedBy
}

/** The one way out of the device: it opens every connection of the agent, through the proxy if there is one. */
export class SocketOpener {
  readonly #proxy: ProxySettings | undefined
  readonly #trust: Trust
  readonly #clock: Clock
  readonly #addresses = new Map<string, string>()

  constructor({ proxy, trust, clock, log }: SocketOpenerOptions) {
    this.#proxy = proxy
    this.#trust = new Trust(trust, log)
    this.#clock = clock
    log.hide(proxy?.password)
  }

  /**
   * A connected socket (a `tls.TLSSocket` with a checked certificate when `tls`), TCP_NODELAY and keep-alive set.
   * An error without a listener does no harm; `close` always follows.
   *
   * @throws AgentError `POLICY_REFUSED` when `refuse` leaves no address, `NAME_NOT_RESOLVED`, `NETWORK_UNREACHABLE`, `TCP_FAILED`, `PROXY_FAILED`, `PROXY_REFUSED`, `TLS_FAILED`,
   *   `CERTIFICATE_REFUSED`, `CERTIFICATE_NOT_YET_VALID`, `CERTIFICATE_EXPIRED`, `CONFIG_INVALID`, `TIMEOUT`, `ABORTED`
   */
  open(target: SocketTarget, { timeoutMs, signal, refuse, namedBy = namedByCloud }: OpenOptions): Promise<Socket> {
    const wire = { ...target, host: wireHost(target.host) }
    const place = hostAndPort(wire) + (this.#proxy === undefined ? '' : ` via ${describeProxy(this.#proxy)}`)
    const progress = { step: 'connecting' }
    return withDeadline(
      this.#clock,
      timeoutMs,
      () => this.#late(place, progress.step, timeoutMs, namedBy),
      ended => this.#open(wire, { place, progress, timeoutMs, signal: ended, refuse, namedBy }),
      signal,
    )
  }

  #late(place: string, step: string, timeoutMs: number, namedBy: NamedBy): AgentError {
    const by = this.#proxy === undefined ? namedBy : namedByProxy
    const remedy = reachRemedy('TIMEOUT', undefined, by)
    return new AgentError('TIMEOUT', `${place}: not open after ${timeoutMs} ms (${step})`, { remedy })
  }

  /** The address at which a host was last reached, TLS included; undefined before, and behind a proxy. */
  addressOf(host: string): string | undefined {
    return this.#addresses.get(wireHost(host))
  }

  #remember(host: string, address: string | undefined): void {
    if (address === undefined || (this.#addresses.size >= maxAddresses && !this.#addresses.has(host))) return
    this.#addresses.set(host, address)
  }

  async #open(target: SocketTarget, request: OpenRequest): Promise<Socket> {
    if (!target.tls) return this.#openOnce(target, request, undefined)
    // First, so that an unusable CA file is reported even when the network is down.
    const enough = await this.#trust.optionsFor(target.host)
    try {
      return await this.#openOnce(target, request, enough)
    } catch (error) {
      if (!enough.isPart || !isRefused(error)) throw error
      const whole = await this.#trust.optionsFor(target.host, 'whole')
      return await this.#openOnce(target, request, whole)
    }
  }

  async #openOnce(target: SocketTarget, request: OpenRequest, trust: TrustOptions | undefined): Promise<Socket> {
    throwIfAborted(request.signal)
    const socket = await this.#openPlain(target, request)
    try {
      request.progress.step = 'TLS handshake'
      const open = trust === undefined ? socket : await this.#secured(socket, target.host, trust, request)
      throwIfAborted(request.signal)
      // Never removed: an error before the caller listens must not end the process. "close" follows every error.
      open.on('error', () => {})
      if (this.#proxy === undefined) this.#remember(target.host, socket.remoteAddress)
      return open
    } catch (error) {
      discard(socket)
      throw error
    }
  }

  async #secured(socket: Socket, host: string, trust: TrustOptions, request: OpenRequest): Promise<Socket> {
    const { policy } = this.#trust
    const secured = await secure(socket, trust.tls, request, { clock: this.#clock, policy, bundle: trust.bundle })
    // Not awaited: if it fails, the next process learns the root.
    this.#trust.accepted(secured, host).catch(() => {})
    return secured
  }

  async #openPlain(target: SocketTarget, request: OpenRequest): Promise<Socket> {
    if (this.#proxy !== undefined) return openThroughProxy(this.#proxy, target, request)
    try {
      return await openTcp(target.host, target.port, request.signal, request.refuse)
    } catch (error) {
      throw error instanceof AgentError ? error : tcpFailure(request.place, error, request.namedBy)
    }
  }
}

function isRefused(error: unknown): boolean {
  return error instanceof AgentError && (error.code === 'CERTIFICATE_REFUSED' || error.code === 'CERTIFICATE_EXPIRED')
}

/** TLS inside an open socket. */
function secure(
  socket: Socket,
  options: ConnectionOptions,
  { place, signal }: ProxyRequest,
  { clock, ...facts }: { readonly clock: Clock } & Pick<TlsFacts, 'policy' | 'bundle'>,
): Promise<TLSSocket> {
  return waitFor<TLSSocket>(signal, (resolve, reject) => {
    const secured = connectTls({ ...options, socket })
    let done = false
    let chain: ShownChain | undefined
    // Before Node verifies the certificate: after a refusal the connection is gone, and with it the chain.
    secured.prependOnceListener('secure', () => {
      chain = shownChain(secured)
    })
    const onError = (error: Error) => {
      reject(
        tlsFailure(place, error, {
          socket: secured,
          chain: chain ?? shownChain(secured),
          nowMs: clock.now(),
          ...facts,
        }),
      )
    }
    const onClose = () => onError(new Error('the server closed the connection'))
    secured.once('error', onError)
    secured.once('close', onClose)
    secured.once('secureConnect', () => {
      done = true
      watchConfirmation(secured)
      resolve(secured)
    })
    return () => {
      secured.removeListener('error', onError)
      secured.removeListener('close', onClose)
      if (!done || signal.aborted) discard(secured)
    }
  })
}

/** The proxy for messages, without its login. */
function describeProxy(proxy: ProxySettings): string {
  const kind = { http: 'HTTP', socks4: 'SOCKS4', socks5: 'SOCKS5' }[proxy.type]
  return `${kind} proxy ${hostAndPort(proxy)}`
}
