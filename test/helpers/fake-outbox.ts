// SPDX-License-Identifier: Apache-2.0
import { AgentError } from '../../src/base/errors.ts'
import type { JsonObject } from '../../src/base/json.ts'

interface FakeItem {
  readonly lane: string
  readonly item: JsonObject
  /** The cloud has it. */
  deliver(): void
  /** It is not going to be delivered. */
  fail(error: AgentError): void
}

/** An outbox that keeps what is put; a test says when each item is delivered. */
export class FakeOutbox {
  readonly items: FakeItem[] = []
  /** Every item counts as delivered at once. */
  instant = false
  /** When set, `put` rejects with it. */
  refusal: AgentError | undefined
  /** Longer items are not taken. */
  maxChars = Number.POSITIVE_INFINITY

  async put(
    lane: string,
    item: JsonObject,
  ): Promise<{ accepted: true; delivered(o?: { timeoutMs?: number; signal?: AbortSignal }): Promise<void> }> {
    if (this.refusal !== undefined) throw this.refusal
    if (JSON.stringify(item).length > this.maxChars) throw new AgentError('LIMIT_EXCEEDED', 'too long')
    let deliver = () => {}
    let fail: (error: AgentError) => void = () => {}
    const delivered = new Promise<void>((resolve, reject) => {
      deliver = resolve
      fail = reject
    })
    delivered.catch(() => {})
    if (this.instant) deliver()
    this.items.push({ lane, item, deliver, fail })
    return { accepted: true, delivered: () => delivered }
  }

  /** What was put into a lane, in order. */
  in(lane: string): JsonObject[] {
    return this.items.filter(one => one.lane === lane).map(one => one.item)
  }

  /** The acknowledgements and updates as short texts: `ack ID STATUS MESSAGE` and `update ID TEXT`. */
  answers(): string[] {
    return this.in('ack').map(({ command, params }) => {
      const { id, errorCode, errorMessage, msg } = Object(params)
      return command === 'mailbox.ack'
        ? `ack ${id} ${errorCode}${errorMessage === undefined ? '' : ` ${errorMessage}`}`
        : `update ${id} ${msg}`
    })
  }
}
