// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../../base/clock.ts'
import { AgentError, messageOf, withoutStop } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json.ts'
import type { Log } from '../../base/log.ts'
import { abortReason } from '../../base/wait.ts'
import type { SocketOpener } from '../../connection/socket/socket-opener.ts'
import { hostAndPort } from '../../connection/tcp/endpoint.ts'
import { type RelayLimits, relayTimes } from './limits.ts'
import { connectLocal } from './local-end.ts'
import { localService } from './local-service.ts'
import { type OfferedService, type RelayTarget, relayTarget } from './policy.ts'
import { admitRelay, dialRelay } from './relay-dial.ts'
import type { RelayHostPolicy } from './relay-hosts.ts'
import { RelaySession } from './relay-session.ts'
import { readRelayUrl } from './relay-url.ts'

/** What the owner's configuration says about remote access; looked up at each call. */
export interface RelaySettings {
  readonly services: readonly OfferedService[]
  readonly allow: readonly string[]
  readonly limits: RelayLimits
  /** Whether the link to the cloud has no TLS, so that a relay needs none either. */
  readonly allowPlain: boolean
  /** Where a relay may be. */
  readonly relay: RelayHostPolicy
}

/** The parameters of a call. */
export interface RelayRequest {
  readonly url: string
  readonly host: string
  readonly port: number
  readonly reconnect: boolean
}

export interface RelaySessionsParts {
  readonly settings: () => RelaySettings
  readonly opener: SocketOpener
  readonly clock: Clock
  readonly log: Log
  /** Publishes an event of each start and end. */
  readonly report: (text: string) => Promise<unknown>
}

interface Live {
  readonly target: RelayTarget
  readonly peer: string
  readonly startedMs: number
  readonly session: RelaySession
}

/** The live sessions of remote access: admits, opens, lists and ends them. */
export class RelaySessions {
  readonly #parts: RelaySessionsParts
  readonly #live = new Map<string, Live>()
  readonly #closing = new AbortController()
  readonly #emptied = new Set<() => void>()
  #opening = 0
  #next = 1

  constructor(parts: RelaySessionsParts) {
    this.#parts = parts
  }

  /**
   * Opens a session; resolves to its id when the relay has accepted it and the service answers.
   *
   * @throws AgentError `POLICY_REFUSED`, `LIMIT_EXCEEDED`, `TCP_FAILED` (nothing listens, or the relay cannot be used for
   *   whatever reason) or `TIMEOUT` (nothing listens); BadParameter for the url
   */
  async open(request: RelayRequest, signal: AbortSignal): Promise<string> {
    const { settings, log } = this.#parts
    const { services, allow, limits, allowPlain, relay } = settings()
    const target = relayTarget(request, { services, allow })
    const place = readRelayUrl(request.url, allowPlain)
    admitRelay(place, relay, log)
    if (this.#live.size + this.#opening >= limits.maxSessions) {
      const text = `${this.#live.size} sessions of remote access are open, and remote_access.max_sessions is ${limits.maxSessions}.`
      throw new AgentError('LIMIT_EXCEEDED', text)
    }
    const ended = AbortSignal.any([signal, this.#closing.signal])
    this.#opening++
    try {
      if (target.service?.command === undefined) await this.#probe(target, ended)
      const { clock } = this.#parts
      const webSocket = await dialRelay(place, relay, this.#parts, ended)
      if (ended.aborted) {
        webSocket.terminate()
        throw abortReason(ended)
      }
      const id = `r${this.#next++}`
      const peer = hostAndPort(place)
      const service = localService(target, { clock, log })
      const session = new RelaySession({
        webSocket,
        reconnect: request.reconnect,
        open: service.open,
        limits,
        clock,
        log,
        onEnd: reason => {
          service.end()
          this.#ended(id, reason)
        },
      })
      this.#live.set(id, { target, peer, startedMs: clock.monotonicMs(), session })
      log.info('remote access begins', { session: id, target: target.label, relay: peer })
      this.#report(`Remote access ${id} begins: ${target.label} through ${peer}`)
      session.start()
      return id
    } finally {
      this.#opening--
    }
  }

  /** The live sessions, for `device-cloud status`. Holds no secret. */
  list(): readonly JsonObject[] {
    const nowMs = this.#parts.clock.monotonicMs()
    return [...this.#live].map(([id, { target, peer, startedMs, session }]) => ({
      id,
      target: target.label,
      relay: peer,
      forS: Math.round((nowMs - startedMs) / 1000),
      ...session.counts(),
    }))
  }

  /**
   * Ends one session by its id, or all with `all`; returns how many.
   *
   * @throws AgentError `INVALID_ARGUMENT` when there is no such session
   */
  end(id: string): number {
    const ids = id === 'all' ? [...this.#live.keys()] : [id]
    for (const one of ids) {
      const live = this.#live.get(one)
      if (live === undefined) {
        const known = [...this.#live.keys()].join(', ')
        throw new AgentError(
          'INVALID_ARGUMENT',
          `There is no session "${id.slice(0, 40)}"; open sessions: ${known || 'none'}.`,
        )
      }
      live.session.end('ended by the owner of the device')
    }
    return ids.length
  }

  /** Ends all sessions; resolves when none is left, within `timeoutMs`. */
  async close(timeoutMs: number): Promise<void> {
    const reason = 'the device manager ends'
    this.#closing.abort(new AgentError('CLOSED', 'The device manager ends.'))
    for (const { session } of this.#live.values()) session.end(reason)
    if (this.#live.size === 0) return
    const timer = this.#parts.clock.timer(timeoutMs, () => {
      for (const { session } of this.#live.values()) session.destroy(reason)
    })
    await new Promise<void>(resolve => this.#emptied.add(resolve))
    timer.cancel()
  }

  async #probe({ label, hosts, port }: RelayTarget, signal: AbortSignal): Promise<void> {
    try {
      const end = await connectLocal(this.#parts.clock, hosts, port, signal, relayTimes.probeMs)
      end.destroy()
    } catch (error) {
      if (signal.aborted) throw error
      const text = `Nothing answers at ${label}: ${withoutStop(messageOf(error))}.`
      this.#report(`Remote access refused: ${withoutStop(text)}`)
      throw new AgentError('TCP_FAILED', text, { cause: error, remedy: 'Check that the service runs on the device.' })
    }
  }

  #ended(id: string, reason: string): void {
    const live = this.#live.get(id)
    if (live === undefined) return
    this.#live.delete(id)
    const { target, peer, startedMs, session } = live
    const forS = Math.round((this.#parts.clock.monotonicMs() - startedMs) / 1000)
    const { channels, bytesFromCloud, bytesToCloud } = session.counts()
    const facts = { session: id, target: target.label, relay: peer, forS, channels, bytesFromCloud, bytesToCloud }
    this.#parts.log.info('remote access ended', { ...facts, reason })
    this.#report(
      `Remote access ${id} ended after ${forS} s: ${reason}; ${target.label} through ${peer}, ${channels} connections, ` +
        `${bytesFromCloud} bytes from the cloud, ${bytesToCloud} bytes to it`,
    )
    if (this.#live.size > 0) return
    for (const resolve of this.#emptied) resolve()
    this.#emptied.clear()
  }

  #report(text: string): void {
    this.#parts.report(text).catch(error => this.#parts.log.warn('event of remote access not published', { error }))
  }
}
