import type { Clock } from '../base/clock.ts'
import { Emitter } from '../base/emitter.ts'
import { AgentError, asAgentError, messageOf } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import type { Log } from '../base/log.ts'
import { waitFor } from '../base/wait.ts'
import { type Command, diagPing } from './commands.ts'
import { checkRequest, type EncodedRequest, encodeRequest } from './envelope.ts'
import { limits } from './limits.ts'
import type { LinkLike } from './link-like.ts'
import { Liveness } from './liveness.ts'
import { refusedError, resultError } from './refusal.ts'
import { type CommandResult, parseReply } from './reply.ts'
import { type RequestEnd, RequestMemory } from './request-memory.ts'
import { RequestNumbers } from './request-numbers.ts'
import { noCounts, type RequesterCounters } from './requester-counters.ts'
import { parseInboundTopic, requestSuffix, requestTopic } from './topics.ts'

export interface RequestOptions {
  /** How long to wait for the reply, monotonic milliseconds (default 30 s). */
  readonly timeoutMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** What a caller inside the agent may ask for besides: replies that others do without. */
export interface ReplyListeners extends RequestOptions {
  /**
   * Gets the bytes of a reply that is over the limit of one reply, piece by piece as they come; the request ends with
   * `LIMIT_EXCEEDED` all the same. For what the cloud says only once.
   */
  readonly onLarge?: ((piece: Uint8Array) => void) | undefined
  /** Gets the params of the answer when it comes after the deadline after all; none when {@link onLarge} got it. */
  readonly onLate?: ((params: JsonObject) => void) | undefined
}

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
  readonly #counts: { -readonly [Name in keyof RequesterCounters]: number } = noCounts()
  readonly #events: Emitter<{ mailbox: [] }>
  readonly #unlisten: readonly (() => void)[]
  #closed: AgentError | undefined

  constructor(o: { link: LinkLike; clock: Clock; log: Log; qos: 0 | 1 }) {
    this.#link = o.link
    this.#clock = o.clock
    this.#log = o.log
    this.#qos = o.qos
    this.#numbers = new RequestNumbers(o.clock.random())
    this.#events = new Emitter((event, error) =>
      this.#log.limited(`listener ${event}`, 'error', 'A listener failed.', { event, error: messageOf(error) }),
    )
    this.#unlisten = [
      o.link.on('message', (topic, payload) => this.#receive(topic, payload)),
      o.link.on('piece', (topic, piece) => this.#receivePiece(topic, piece)),
      o.link.on('up', () => this.#liveness.linkChanged()),
      o.link.on('down', error => this.#linkLost(error)),
    ]
  }

  /**
   * Sends commands in one message and resolves to their results, one for each in the same order.
   *
   * @throws AgentError `TIMEOUT`, `LINK_LOST`, `NOT_CONNECTED`, `ABORTED`, `CLOSED`, `LIMIT_EXCEEDED`, `INVALID_ARGUMENT`;
   * `REFUSED_BY_CLOUD` or `THROTTLED` when the request as a whole was refused; `PROTOCOL_VIOLATION` when the reply was not TR50
   */
  async request(commands: readonly Command[], o: ReplyListeners = {}): Promise<readonly CommandResult[]> {
    return this.#send(encodeRequest(commands), o, limits.maxPendingRequests)
  }

  /**
   * Sends one command and resolves to the params of its answer.
   *
   * @throws AgentError as {@link request}; `REFUSED_BY_CLOUD` or `THROTTLED` with `errorCodes` and `errorMessages` in its
   * details; `PROTOCOL_VIOLATION` when the reply does not answer it
   */
  async requestOne(command: Command, o: ReplyListeners = {}): Promise<JsonObject> {
    const [result] = await this.request([command], o)
    if (result?.ok) return result.params
    throw resultError(command.command, result ?? { ok: false, errorCodes: [], errorMessages: [], violation: true })
  }

  /** As {@link request} for commands that are text already; for the outbox, which has a reserve of its own in the table. */
  async send(request: EncodedRequest, o: ReplyListeners = {}): Promise<readonly CommandResult[]> {
    checkRequest(request)
    return this.#send(request, o, limits.maxPendingRequests + limits.reservedRequests)
  }

  /** `mailbox`: the cloud says that a message waits in the mailbox [TR50 notify/mailbox_activity]. The returned function removes the listener. */
  on(event: 'mailbox', listener: () => void): () => void {
    return this.#events.on(event, listener)
  }

  counters(): RequesterCounters {
    return { ...this.#counts, pending: this.#pending.size }
  }

  /** Ends every wait with `reason`; requests made later get the same. */
  close(reason: AgentError): void {
    if (this.#closed !== undefined) return
    this.#closed = reason
    for (const unlisten of this.#unlisten) unlisten()
    this.#endAll(reason)
  }

  #send(request: EncodedRequest, o: ReplyListeners, maxPending: number): Promise<readonly CommandResult[]> {
    const { timeoutMs = limits.requestTimeoutMs, signal, onLarge, onLate } = o
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
      // In the table before it is on the wire: an answer can never find nobody waiting.
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
    else this.#odd('unknown', 'Ignored a message on a topic that the agent does not know.', { topic: brief(topic) })
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
      this.#log.limited('large reply', 'error', 'The reader of a large reply failed.', { error: messageOf(error) })
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
      this.#odd('oversized', 'A reply is larger than the limit.', { suffix, bytes })
      const problem = `A reply of ${bytes} bytes is over the agent's limit of ${limits.maxReplyBytes} bytes.`
      return new AgentError('LIMIT_EXCEEDED', problem)
    }
    const reply = parseReply(payload, pending.commands)
    if (reply.kind === 'malformed') {
      this.#odd('malformed', 'Ignored a malformed reply.', { suffix, problem: reply.problem })
      return new AgentError('PROTOCOL_VIOLATION', `The reply is ${reply.problem}.`)
    }
    this.#counts.answered++
    if (reply.kind === 'refused') {
      this.#counts.refused++
      return refusedError('the whole request', reply)
    }
    const missing = reply.results.filter(result => !result.ok && result.violation === true).length
    if (missing > 0) this.#odd('malformed', 'A reply lacks answers to commands.', { suffix, missing })
    return reply.results
  }

  #unexpected(suffix: string, payload: Uint8Array): void {
    const ended = this.#memory.endOf(suffix)
    this.#memory.takeLate(suffix)?.(payload)
    const facts = { suffix: brief(suffix) }
    if (ended === 'answered') this.#odd('duplicate', 'Ignored a second reply to the same request.', facts)
    else if (ended !== undefined) this.#odd('late', 'A reply came too late.', facts)
    else this.#odd('unknown', 'Ignored a reply to a request that was not made.', facts)
  }

  #odd(kind: 'unknown' | 'late' | 'duplicate' | 'malformed' | 'oversized', message: string, facts: JsonObject): void {
    this.#counts[kind]++
    this.#log.limited(`reply ${kind} ${message}`, 'warn', message, facts)
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
    this.#log.info('The cloud does not answer; asking once more.')
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
    this.#log.warn(`${reason.message} Connecting again.`)
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

/** Names from outside are cut before they reach a log. */
function brief(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
