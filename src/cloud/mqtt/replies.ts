import { deflateSync } from 'node:zlib'
import { type Circumstances, numberOf } from '../faults/faults.ts'
import type { Request } from '../requests/envelope.ts'
import type { Session } from '../store/sessions.ts'
import type { State } from '../store/state.ts'
import { codes } from '../values/failure.ts'
import type { JsonObject } from '../values/json.ts'

/** Where a reply goes. */
export interface Target {
  readonly session: Session
  readonly topic: string
  readonly isCompressed: boolean
  readonly qos: 0 | 1
  readonly request: Request
}

const longestHoldMs = 1000

/** Sends replies, as they should be or as a fault wants them. */
export class Replies {
  readonly #state: State
  #held: { send: () => void }[] = []
  #holdTimer: NodeJS.Timeout | undefined

  constructor(state: State) {
    this.#state = state
  }

  send(reply: JsonObject, target: Target): void {
    const { faults } = this.#state
    const about = aboutOf(target)
    if (faults.list().length === 0) {
      this.#put(JSON.stringify(reply), target)
      return
    }
    if (faults.take('dropReply', about)) return
    const payload = this.#payload(reply, about)
    const delayMs = numberOf(faults.take('delayReply', about), 'ms', 0)
    const doubled = faults.take('duplicateReply', about)
    const copies = doubled === undefined ? 1 : Math.min(100, numberOf(doubled, 'copies', 2))
    const qos = faults.peek('replyQos', about)?.qos
    const sent: Target = qos === 0 || qos === 1 ? { ...target, qos } : target
    const send = () => {
      for (let copy = 0; copy < copies; copy++) this.#put(payload, sent)
    }
    const reorder = faults.take('reorderReplies', about)
    if (reorder !== undefined) this.#hold({ send }, numberOf(reorder, 'window', 2))
    else if (delayMs > 0) setTimeout(send, delayMs)
    else send()
  }

  #payload(reply: JsonObject, about: Circumstances): string | Uint8Array {
    const { faults } = this.#state
    const garbage = faults.take('garbageReply', about)
    if (garbage !== undefined) return typeof garbage.text === 'string' ? garbage.text : '{"1":{"success":tr'
    if (faults.take('binaryReply', about)) return Uint8Array.from([0xff, 0xfe, 0x00, 0x80, 0xc3, 0x28])
    if (faults.take('emptyReply', about)) return '{}'
    const large = faults.take('oversizedReply', about)
    if (large === undefined) return JSON.stringify(reply)
    const bytes = Math.min(200 * 1024 * 1024, numberOf(large, 'bytes', 10 * 1024 * 1024))
    const [id = '1'] = Object.keys(reply)
    const head = `{${JSON.stringify(id)}:{"success":true,"params":{"fill":"`
    return `${head}${'x'.repeat(Math.max(0, bytes - head.length - 4))}"}}}`
  }

  #hold(reply: { send: () => void }, window: number): void {
    this.#held.push(reply)
    clearTimeout(this.#holdTimer)
    if (this.#held.length >= window) {
      this.#release()
      return
    }
    this.#holdTimer = setTimeout(() => this.#release(), longestHoldMs)
  }

  #release(): void {
    const held = this.#held.reverse()
    this.#held = []
    for (const reply of held) reply.send()
  }

  #put(payload: string | Uint8Array, { session, topic, isCompressed, qos }: Target): void {
    session.push?.(topic, isCompressed ? deflateSync(payload) : payload, qos)
  }
}

export function aboutOf({ session, request }: Pick<Target, 'session' | 'request'>): Circumstances {
  return { thingKey: session.thing?.key, transport: session.transport, commands: request.names }
}

/** The failure of the whole request that a rate limit answers with. */
export function rateLimited(params: JsonObject): JsonObject {
  const errorCodes = Array.isArray(params.errorCodes) ? params.errorCodes : [codes.rateLimit]
  return { success: false, errorCodes, errorMessages: ['Too many requests'] }
}
