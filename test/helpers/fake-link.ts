// SPDX-License-Identifier: Apache-2.0
import { Emitter } from '../../src/base/emitter.ts'
import { AgentError } from '../../src/base/errors.ts'
import type { LinkLike } from '../../src/protocol/requester.ts'

type Events = { up: []; down: [AgentError]; message: [string, Uint8Array]; piece: [string, Uint8Array] }

/** A command as the cloud sees it. */
export interface SeenCommand {
  readonly id: string
  readonly command: string
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever was sent
  readonly params: any
}

/** One request message as the cloud sees it. */
export interface SeenMessage {
  readonly topic: string
  readonly suffix: string
  readonly text: string
  readonly qos: 0 | 1
  readonly commands: readonly SeenCommand[]
}

/** What the cloud does with a message: a reply object, or nothing. */
export type Cloud = (message: SeenMessage) => object | undefined

/** A link to a cloud in this very process. Replies come in a later turn, as from a network. */
export class FakeLink implements LinkLike {
  readonly #events = new Emitter<Events>((_event, error) => this.thrown.push(error))
  /** What listeners threw: the agent must never throw into the network. */
  readonly thrown: unknown[] = []
  readonly sent: SeenMessage[] = []
  readonly reconnects: AgentError[] = []
  isUp: boolean
  cloud: Cloud
  /** Set: publishing fails with it. */
  publishError: Error | undefined

  constructor(o: { isUp?: boolean; cloud?: Cloud } = {}) {
    this.isUp = o.isUp ?? true
    this.cloud = o.cloud ?? succeed
  }

  on<Name extends keyof Events>(event: Name, listener: (...args: Events[Name]) => unknown): () => void {
    return this.#events.on(event, listener)
  }

  async publish(topic: string, payload: string | Uint8Array, qos: 0 | 1): Promise<void> {
    if (!this.isUp) throw new AgentError('NOT_CONNECTED', 'down')
    if (this.publishError !== undefined) throw this.publishError
    const text = typeof payload === 'string' ? payload : Buffer.from(payload).toString()
    const suffix = topic.slice('api/'.length)
    const commands = Object.entries(JSON.parse(text) as Record<string, { command: string; params?: unknown }>).map(
      ([id, { command, params }]) => ({ id, command, params }),
    )
    const message = { topic, suffix, text, qos, commands }
    this.sent.push(message)
    const reply = this.cloud(message)
    if (reply !== undefined) setImmediate(() => this.isUp && this.reply(suffix, reply))
  }

  reconnect(reason: AgentError): void {
    this.reconnects.push(reason)
    this.down()
    this.up()
  }

  up(): void {
    this.isUp = true
    this.#events.emit('up')
  }

  down(): void {
    this.isUp = false
    this.#events.emit('down', new AgentError('TCP_FAILED', 'cut'))
  }

  /** This program itself ends the link. */
  closed(): void {
    this.isUp = false
    this.#events.emit('down', new AgentError('CLOSED', 'The link was closed.'))
  }

  reply(suffix: string, reply: object): void {
    this.deliver(`reply/${suffix}`, JSON.stringify(reply))
  }

  deliver(topic: string, payload: string | Uint8Array): void {
    this.#events.emit('message', topic, typeof payload === 'string' ? Buffer.from(payload) : payload)
  }

  /** A message that is too large, as the link tells of it: in pieces, and then without content. */
  deliverPieces(topic: string, pieces: readonly Uint8Array[]): void {
    for (const piece of pieces) this.piece(topic, piece)
    this.deliver(topic, '')
  }

  piece(topic: string, piece: Uint8Array): void {
    this.#events.emit('piece', topic, piece)
  }

  /** All commands seen so far, in order. */
  get commands(): SeenCommand[] {
    return this.sent.flatMap(message => message.commands)
  }
}

/** The cloud answers success to every command. */
export const succeed: Cloud = ({ commands }) =>
  Object.fromEntries(commands.map(({ id }) => [id, { success: true, params: {} }]))

/** The cloud answers nothing. */
export const silent: Cloud = () => undefined

/** The cloud refuses what `refuses` says, with code and text, and takes the rest. */
export const refuse =
  (refuses: (command: SeenCommand) => boolean, errorCodes = [-7], errorMessages = ['Bad value']): Cloud =>
  ({ commands }) =>
    Object.fromEntries(
      commands.map(command => [
        command.id,
        refuses(command) ? { success: false, errorCodes, errorMessages } : { success: true },
      ]),
    )
