// SPDX-License-Identifier: Apache-2.0
import { inflateSync } from 'node:zlib'
import { numberOf } from '../faults/faults.ts'
import { type Commands, type Context, failureOf } from '../requests/command.ts'
import { execute, failureReply, maxRequestBytes, type Request, readRequest } from '../requests/envelope.ts'
import type { Session } from '../store/sessions.ts'
import type { State } from '../store/state.ts'
import { isObject, type JsonObject, parseJson } from '../values/json.ts'
import { circumstancesOf, Replies, rateLimited, type Target } from './replies.ts'

/** A message that a client published. */
export interface Message {
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: 0 | 1
  readonly dup: boolean
  readonly session: Session
}

/** Executes what devices publish: requests on `api` and `apiz`, short forms under `thing/` [TR50 2.1]. */
export class Requests {
  readonly #state: State
  readonly #commands: Commands
  readonly #replies: Replies
  readonly #recent = new WeakMap<Session, number[]>()

  constructor(state: State, commands: Commands) {
    this.#state = state
    this.#commands = commands
    this.#replies = new Replies(state)
  }

  take(message: Message): void {
    const [service, ...rest] = message.topic.split('/')
    if (service === 'api' || service === 'apiz') this.#takeRequest(message, service === 'apiz', rest)
    else if (service === 'thing') this.#takeShortForm(message, rest)
    else this.#note(message, undefined, [])
  }

  #takeRequest(message: Message, isCompressed: boolean, suffix: readonly string[]): void {
    const text = isCompressed ? inflate(message.payload) : Buffer.from(message.payload).toString('utf8')
    const request = readRequest(text === undefined ? undefined : parseJson(text), this.#commands)
    this.#note(message, text, request.names)
    const { session } = message
    const topic = [isCompressed ? 'replyz' : 'reply', ...suffix].join('/')
    const target: Target = { session, topic, isCompressed, qos: message.qos, request }
    if (this.#state.faults.take('swallowRequest', circumstancesOf(target))) return
    const reply = this.#refusal(target) ?? execute(request, this.#context(session))
    if (reply instanceof Promise) void reply.then(done => this.#replies.send(done, target))
    else this.#replies.send(reply, target)
  }

  /** The reply of a fault that refuses the whole request, if any. */
  #refusal(target: Target): JsonObject | undefined {
    const { faults } = this.#state
    const circumstances = circumstancesOf(target)
    const refusal = faults.take('refuseRequest', circumstances)
    if (refusal !== undefined) return failureReply(failureOf(refusal))
    const rate = faults.peek('rateLimit', circumstances)
    if (rate !== undefined && this.#isTooFast(target.session, numberOf(rate, 'perSecond', 10))) return rateLimited(rate)
    const items = faults.peek('batchLimit', circumstances)
    if (items !== undefined && longestBatch(target.request) > numberOf(items, 'items', 1000))
      return failureReply(failureOf({ errorMessages: ['The batch holds too many items.'] }))
    return undefined
  }

  #isTooFast(session: Session, perSecond: number): boolean {
    const now = performance.now()
    const recent = (this.#recent.get(session) ?? []).filter(at => now - at < 1000)
    const isTooFast = recent.length >= perSecond
    if (!isTooFast) recent.push(now)
    this.#recent.set(session, recent)
    return isTooFast
  }

  /** `thing/KEY/property/NAME` with the plain value as payload; it gets no reply [TR50 2.1]. */
  #takeShortForm(message: Message, [thingKey = '', kind = '', key = '']: readonly string[]): void {
    const text = Buffer.from(message.payload).toString('utf8')
    const number = text.trim() === '' ? Number.NaN : Number(text)
    const forms: Readonly<Record<string, { command: string; params: JsonObject }>> = {
      property: { command: 'property.publish', params: { thingKey, key, value: Number.isNaN(number) ? text : number } },
      attribute: { command: 'attribute.publish', params: { thingKey, key, value: text } },
      alarm: { command: 'alarm.publish', params: { thingKey, key, state: Number.isNaN(number) ? text : number } },
    }
    const form = Object.hasOwn(forms, kind) ? forms[kind] : undefined
    this.#note(message, text, form === undefined ? [] : [form.command])
    if (form === undefined) return
    const { command, params } = form
    const reply = execute(readRequest({ '1': { command, params } }, this.#commands), this.#context(message.session))
    if (!(reply instanceof Promise) && isObject(reply['1']) && reply['1'].success !== true)
      this.#state.transcript.event(message.session.connection, 'refused', {
        thingKey,
        text: JSON.stringify(reply['1']),
      })
  }

  #context(session: Session): Context {
    const { connection, remoteAddress, transport } = session
    return { state: this.#state, session, from: { connection, remoteAddress, transport } }
  }

  #note(message: Message, text: string | undefined, commands: readonly string[]): void {
    const { session, topic, qos, dup, payload } = message
    if (session.thing !== undefined) session.thing.lastSeen = new Date().toISOString()
    this.#state.transcript.add({
      kind: 'mqtt',
      direction: 'in',
      connection: session.connection,
      topic,
      qos,
      bytes: payload.length,
      text: text ?? '(not readable)',
      commands,
      dup: dup || undefined,
      thingKey: session.thing?.key,
    })
  }
}

function inflate(payload: Uint8Array): string | undefined {
  try {
    return inflateSync(payload, { maxOutputLength: maxRequestBytes }).toString('utf8')
  } catch {
    return undefined
  }
}

function longestBatch(request: Request): number {
  return Math.max(0, ...request.commands.map(({ params }) => (Array.isArray(params.data) ? params.data.length : 0)))
}
