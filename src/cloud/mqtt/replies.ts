// SPDX-License-Identifier: Apache-2.0
import { deflateSync } from 'node:zlib'
import { type Circumstances, numberOf } from '../faults/faults.ts'
import type { Request } from '../requests/envelope.ts'
import type { Session } from '../store/sessions.ts'
import type { State } from '../store/state.ts'
import { codes } from '../values/failure.ts'
import type { JsonObject } from '../values/json.ts'

/** The receiver of a reply, and how it is sent. */
export interface Target {
  readonly session: Session
  readonly topic: string
  readonly isCompressed: boolean
  readonly qos: 0 | 1
  readonly request: Request
}

const maxHoldMs = 1000

/** Sends replies, changed by the faults that are switched on. */
export class Replies {
  readonly #state: State
  #held: (() => void)[] = []
  #holdTimer: NodeJS.Timeout | undefined

  constructor(state: State) {
    this.#state = state
  }

  send(reply: JsonObject, target: Target): void {
    const { faults } = this.#state
    const circumstances = circumstancesOf(target)
    if (faults.take('dropReply', circumstances)) return
    const payload = this.#payload(reply, circumstances)
    const delayMs = numberOf(faults.take('delayReply', circumstances), 'ms', 0)
    const duplicate = faults.take('duplicateReply', circumstances)
    const copies = duplicate === undefined ? 1 : Math.min(100, numberOf(duplicate, 'copies', 2))
    const qos = faults.peek('replyQos', circumstances)?.qos
    const sent: Target = qos === 0 || qos === 1 ? { ...target, qos } : target
    const send = () => {
      for (let copy = 0; copy < copies; copy++) this.#put(payload, sent)
    }
    const reorder = faults.take('reorderReplies', circumstances)
    if (reorder !== undefined) this.#hold(send, numberOf(reorder, 'window', 2))
    else if (delayMs > 0) setTimeout(send, delayMs)
    else send()
  }

  #payload(reply: JsonObject, circumstances: Circumstances): string | Uint8Array {
    const { faults } = this.#state
    const garbage = faults.take('garbageReply', circumstances)
    if (garbage !== undefined) return typeof garbage.text === 'string' ? garbage.text : '{"1":{"success":tr'
    if (faults.take('binaryReply', circumstances)) return Uint8Array.from([0xff, 0xfe, 0x00, 0x80, 0xc3, 0x28])
    if (faults.take('emptyReply', circumstances)) return '{}'
    const large = faults.take('oversizedReply', circumstances)
    if (large === undefined) return JSON.stringify(reply)
    const bytes = Math.min(200 * 1024 * 1024, numberOf(large, 'bytes', 10 * 1024 * 1024))
    const [id = '1'] = Object.keys(reply)
    const head = `{${JSON.stringify(id)}:{"success":true,"params":{"fill":"`
    return `${head}${'x'.repeat(Math.max(0, bytes - head.length - 4))}"}}}`
  }

  #hold(send: () => void, window: number): void {
    this.#held.push(send)
    clearTimeout(this.#holdTimer)
    if (this.#held.length >= window) {
      this.#release()
      return
    }
    this.#holdTimer = setTimeout(() => this.#release(), maxHoldMs)
  }

  #release(): void {
    const held = this.#held.reverse()
    this.#held = []
    for (const send of held) send()
  }

  #put(payload: string | Uint8Array, { session, topic, isCompressed, qos }: Target): void {
    session.push?.(topic, isCompressed ? deflateSync(payload) : payload, qos)
  }
}

/** The circumstances in which faults of a request or its reply strike. */
export function circumstancesOf({ session, request }: Pick<Target, 'session' | 'request'>): Circumstances {
  return { thingKey: session.thing?.key, transport: session.transport, commands: request.names }
}

/** The reply of the fault `rateLimit` to a whole request. */
export function rateLimited(params: JsonObject): JsonObject {
  const errorCodes = Array.isArray(params.errorCodes) ? params.errorCodes : [codes.rateLimit]
  return { success: false, errorCodes, errorMessages: ['Too many requests.'] }
}
