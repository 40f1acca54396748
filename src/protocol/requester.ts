// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../base/clock.ts'
import { Emitter } from '../base/emitter.ts'
import { AgentError, asAgentError, messageOf } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import type { Log } from '../base/log.ts'
import { waitFor } from '../base/wait.ts'
import type { ReplyListeners } from './ask.ts'
import { type Command, diagPing } from './commands.ts'
import { checkRequest, type EncodedRequest, encodeRequest } from './envelope.ts'
import { limits } from './limits.ts'
import { Liveness } from './liveness.ts'
import { refusedError, resultError } from './refusal.ts'
import { type CommandResult, parseReply } from './reply.ts'
import { type RequestEnd, RequestMemory } from './request-memory.ts'
import { RequestNumbers } from './request-numbers.ts'
import { OddReplies, type RequesterCounters } from './requester-counters.ts'
import { parseInboundTopic, requestSuffix, requestTopic } from './topics.ts'

/** What the protocol needs of a link to the cloud. */
export interface LinkLike {
  readonly isUp: boolean
  /** Resolves when the message is out (QoS 1: acknowledged by the server); rejects `NOT_CONNECTED` or `LINK_LOST`. */
  publish(topic: string, payload: string | Uint8Array, qos: 0 | 1): Promise<void>
  /** Drops the session and connects again. */
  reconnect(reason: AgentError): void
  on(event: 'up', listener: () => void): () => void
  on(event: 'down', listener: (error: AgentError) => void): () => void
  on(event: 'message', listener: (topic: string, payload: Uint8Array) => void): () => void
  /** A part of the content of a message that is too large; its `message` follows without content. */
  on(event: 'piece', listener: (topic: string, piece: Uint8Array) => void): () => void
}

/** A request that waits for its reply. */
interface Pending {
  readonly commands: number
  readonly onLarge: ((piece: Uint8Array) => void) | undefined
  /** How much came in pieces so far. */
  largeBytes: number
  /** Something of the reply is here: the wait for the rest of it begins anew. */
  prolong(): void
  end(how: RequestEnd, outcome: AgentError | readonly CommandResult[]): void
}

/**
 * Requests and their replies: one number, one deadline and one promise for each [TR50 2].
 * Nothing that arrives makes it throw; what does not fit is counted and logged once per kind and minute.
 */
export class Requester {
  readonly #link: LinkLike
  readonly #clock: Clock
  readonly #log: Log
  readonly #qos: 0 | 1
  readonly #numbers: RequestNumbers
  readonly #pending = new Map<string, Pending>()
  readonly #memory = new RequestMemory()
  readonly #liveness = new Liveness()
  readonly #odd: OddReplies
  readonly #counts = { sent: 0, answered: 0, refused: 0, timedOut: 0, linkLost: 0, probes: 0, reconnects: 0 }
  readonly #events: Emitter<{ mailbox: [] }>
  readonly #unlisten: readonly (() => void)[]
  #closed: AgentError | undefined

  constructor(parts: { link: LinkLike; clock: Clock; log: Log; qos: 0 | 1 }) {
    this.#link = parts.link
    this.#clock = parts.clock
    this.#log = parts.log
    this.#qos = parts.qos
    this.#odd = new OddReplies(parts.log)
    this.#numbers = new RequestNumbers(parts.clock.random())
    this.#events = new Emitter((event, error) =>
      this.#log.limited(`listener ${event}`, 'error', 'a listener failed', { event, error: messageOf(error) }),
    )
    this.#unlisten = [
      parts.link.on('message', (topic, payload) => this.#receive(topic, payload)),
      parts.link.on('piece', (topic, piece) => this.#receivePiece(topic, piece)),
      parts.link.on('up', () => this.#liveness.linkChanged()),
      parts.link.on('down', error => this.#linkLost(error)),
    ]
  }

  /**
   * Sends commands in one message and resolves to their results, one for each in the same order.
   *
   * @throws AgentError `TIMEOUT`, `LINK_LOST`, `NOT_CONNECTED`, `ABORTED`, `CLOSED`, `LIMIT_EXCEEDED`, `INVALID_ARGUMENT`;
   * `REFUSED_BY_CLOUD` or `THROTTLED` when the request as a whole was refused; `PROTOCOL_VIOLATION` when the reply was not TR50
   */
  async request(commands: readonly Command[], options: ReplyListeners = {}): Promise<readonly CommandResult[]> {
    return this.#send(encodeRequest(commands), options, limits.maxPendingRequests)
  }

  /**
   * Sends one command and resolves to the params of its answer.
   *
   * @throws AgentError as {@link request}; `REFUSED_BY_CLOUD` or `THROTTLED` with `errorCodes` and `errorMessages` in its
   * details; `PROTOCOL_VIOLATION` when the reply does not answer it
   */
  async requestOne(command: Command, options: ReplyListeners = {}): Promise<JsonObject> {
    const [result] = await this.request([command], options)
    if (result?.ok) return result.params
    throw resultError(command.command, result ?? { ok: false, errorCodes: [], errorMessages: [], violation: true })
  }

  /** As {@link request} for commands that are text already; for the outbox, which has a reserve of its own in the table. */
  async send(request: EncodedRequest, options: ReplyListeners = {}): Promise<readonly CommandResult[]> {
    checkRequest(request)
    return this.#send(request, options, limits.maxPendingRequests + limits.reservedRequests)
  }

  /** `mailbox`: the cloud says that a message waits in the mailbox [TR50 notify/mailbox_activity]. The returned function removes the listener. */
  on(event: 'mailbox', listener: () => void): () => void {
    return this.#events.on(event, listener)
  }

  counters(): RequesterCounters {
    return { ...this.#counts, ...this.#odd.counts, pending: this.#pending.size }
  }

  /** Ends every wait with `reason`; requests made later get the same. */
  close(reason: AgentError): void {
    if (this.#closed !== undefined) return
    this.#closed = reason
    for (const unlisten of this.#unlisten) unlisten()
    this.#endAll(reason)
  }

  #send(request: EncodedRequest, options: ReplyListeners, maxPending: number): Promise<readonly CommandResult[]> {
    const { timeoutMs = limits.requestTimeoutMs, signal, onLarge, onLate } = options
    if (this.#closed !== undefined) return Promise.reject(this.#closed)
    if (!this.#link.isUp) return Promise.reject(new AgentError('NOT_CONNECTED', 'There is no connection to the cloud.'))
    if (this.#pending.size >= maxPending)
      return Promise.reject(
        new AgentError('LIMIT_EXCEEDED', `${maxPending} requests wait for an answer, which is the agent's limit.`),
      )
    return waitFor<readonly CommandResult[]>(signal, (resolve, reject) => {
      const suffix = requestSuffix(this.#numbers.take(number => this.#isTaken(requestSuffix(number))))
      const sentMs = this.#clock.monotonicMs()
      const deadline = (waitMs = timeoutMs) =>
        this.#clock.timer(waitMs, () => this.#timedOut(suffix, sentMs, timeoutMs))
      let timer = deadline()
      let ended: RequestEnd = 'abandoned'
      const pending: Pending = {
        commands: request.commands,
        onLarge,
        largeBytes: 0,
        prolong: () => {
          timer.cancel()
          // A cloud that lets a reply drip must not hold its request for ever.
          const leftMs = sentMs + limits.largeReplyTimeoutMs - this.#clock.monotonicMs()
          timer = deadline(Math.max(0, Math.min(timeoutMs, leftMs)))
        },
        end: (how, outcome) => {
          ended = how
          if (outcome instanceof AgentError) reject(outcome)
          else resolve(outcome)
        },
      }
      // In the table before it is on the wire: an answer always finds its request.
      this.#pending.set(suffix, pending)
      this.#counts.sent++
      this.#publish(suffix, request.text).catch(error => {
        if (this.#pending.get(suffix) === pending) pending.end('abandoned', asAgentError(error))
      })
      return () => {
        timer.cancel()
        this.#pending.delete(suffix)
        this.#memory.remember(suffix, ended, onLate && (payload => this.#receiveLate(payload, pending, onLate)))
      }
    })
  }

  // Async, so that a link that throws is a link that rejects.
  async #publish(suffix: string, text: string): Promise<void> {
    await this.#link.publish(requestTopic(suffix), text, this.#qos)
  }

  #isTaken(suffix: string): boolean {
    return this.#pending.has(suffix) || this.#memory.endOf(suffix) !== undefined
  }

  #receive(topic: string, payload: Uint8Array): void {
    const inbound = parseInboundTopic(topic)
    if (inbound.kind === 'reply') this.#receiveReply(inbound.suffix, payload)
    else if (inbound.kind === 'mailbox') this.#events.emit('mailbox')
    else this.#odd.unknownTopic(topic)
  }

  #receiveReply(suffix: string, payload: Uint8Array): void {
    this.#liveness.heard(this.#clock.monotonicMs())
    const pending = this.#pending.get(suffix)
    if (pending === undefined) this.#unexpected(suffix, payload)
    else pending.end('answered', this.#outcomeOf(suffix, payload, pending))
  }

  #receivePiece(topic: string, piece: Uint8Array): void {
    const inbound = parseInboundTopic(topic)
    if (inbound.kind !== 'reply') return
    this.#liveness.heard(this.#clock.monotonicMs())
    const pending = this.#pending.get(inbound.suffix)
    if (pending === undefined) return
    pending.prolong()
    this.#takePiece(pending, piece)
  }

  #takePiece(pending: Pending, piece: Uint8Array): void {
    pending.largeBytes += piece.byteLength
    try {
      pending.onLarge?.(piece)
    } catch (error) {
      this.#log.limited('large reply', 'error', 'the reader of a large reply failed', { error: messageOf(error) })
    }
  }

  #receiveLate(payload: Uint8Array, pending: Pending, onLate: (params: JsonObject) => void): void {
    if (payload.byteLength > limits.maxReplyBytes) {
      this.#takePiece(pending, payload)
      onLate({})
      return
    }
    const reply = parseReply(payload, 1)
    const result = reply.kind === 'results' ? reply.results[0] : undefined
    if (result?.ok) onLate(result.params)
  }

  #outcomeOf(suffix: string, payload: Uint8Array, pending: Pending): AgentError | readonly CommandResult[] {
    if (payload.byteLength > limits.maxReplyBytes) this.#takePiece(pending, payload)
    const bytes = pending.largeBytes
    if (bytes > 0) {
      this.#odd.note('oversized', 'a reply is larger than the limit', { suffix, bytes })
      const problem = `A reply of ${bytes} bytes is over the agent's limit of ${limits.maxReplyBytes} bytes.`
      return new AgentError('LIMIT_EXCEEDED', problem)
    }
    const reply = parseReply(payload, pending.commands)
    if (reply.kind === 'malformed') {
      this.#odd.note('malformed', 'ignored a malformed reply', { suffix, error: reply.problem })
      return new AgentError('PROTOCOL_VIOLATION', `The reply is ${reply.problem}.`)
    }
    this.#counts.answered++
    if (reply.kind === 'refused') {
      this.#counts.refused++
      return refusedError('the whole request', reply)
    }
    const missing = reply.results.filter(result => !result.ok && result.violation === true).length
    if (missing > 0) this.#odd.note('malformed', 'a reply lacks answers to commands', { suffix, missing })
    return reply.results
  }

  #unexpected(suffix: string, payload: Uint8Array): void {
    const ended = this.#memory.endOf(suffix)
    this.#memory.takeLate(suffix)?.(payload)
    this.#odd.unexpected(suffix, ended)
  }

  #timedOut(suffix: string, sentMs: number, timeoutMs: number): void {
    this.#counts.timedOut++
    const probe = this.#liveness.timedOut(sentMs, this.#clock.monotonicMs())
    const error = new AgentError('TIMEOUT', `The cloud did not answer within ${timeoutMs} ms.`)
    this.#pending.get(suffix)?.end('timedOut', error)
    if (probe) void this.#probe()
  }

  /** Asks once more before giving the session up. */
  async #probe(): Promise<void> {
    this.#counts.probes++
    this.#log.info('the cloud does not answer; asking once more')
    const sentMs = this.#clock.monotonicMs()
    let silent = false
    try {
      const reserve = limits.maxPendingRequests + 2 * limits.reservedRequests
      await this.#send(encodeRequest([diagPing()]), { timeoutMs: limits.probeTimeoutMs }, reserve)
    } catch (error) {
      silent = asAgentError(error).code === 'TIMEOUT'
    }
    if (!this.#liveness.probed(sentMs, silent) || !this.#link.isUp || this.#closed !== undefined) return
    this.#counts.reconnects++
    const reason = new AgentError('TIMEOUT', 'The link is up, but the cloud answers nothing.')
    this.#log.warn('the cloud does not answer; connecting again', { error: reason.message })
    this.#link.reconnect(reason)
  }

  #linkLost(error: AgentError): void {
    this.#liveness.linkChanged()
    const lost = this.#pending.size
    this.#counts.linkLost += lost
    if (lost > 0)
      this.#endAll(new AgentError('LINK_LOST', 'The connection ended while waiting for an answer.', { cause: error }))
  }

  #endAll(reason: AgentError): void {
    for (const pending of [...this.#pending.values()]) pending.end('abandoned', reason)
  }
}
