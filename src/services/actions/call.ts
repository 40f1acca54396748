// SPDX-License-Identifier: Apache-2.0
import type { Clock, Timer } from '../../base/clock.ts'
import { AgentError } from '../../base/errors.ts'
import type { Receipt } from '../../outbox/outbox.ts'
import type { ActionOutcome, ActionReply, HandOverOptions } from '../../protocol/action-reply.ts'
import type { ActionRequest, Registration } from './registry.ts'

/** One call of one action, from its arrival to its answer. It is answered at most once; later answers are ignored. */
export class Call<Owner> {
  readonly request: ActionRequest
  readonly registration: Registration<Owner>
  readonly #reply: ActionReply<Receipt>
  readonly #controller = new AbortController()
  readonly #onEnd: () => void
  #answer: Promise<Receipt> | undefined
  #deadline: Timer | undefined
  #ended = false

  constructor(parts: {
    request: ActionRequest
    registration: Registration<Owner>
    reply: ActionReply<Receipt>
    onEnd: () => void
  }) {
    this.request = parts.request
    this.registration = parts.registration
    this.#reply = parts.reply
    this.#onEnd = parts.onEnd
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Whether the call was answered or handed over. */
  get ended(): boolean {
    return this.#ended
  }

  started(): Promise<void> {
    return this.#reply.started({ lazily: this.registration.repeatable })
  }

  update(text: string): Promise<Receipt> | undefined {
    return this.#ended ? undefined : this.#reply.update(text)
  }

  /** Answers the call, unless it was answered; returns the promise of the one answer. */
  answer(outcome: ActionOutcome): Promise<Receipt> {
    if (this.#answer !== undefined) return this.#answer
    const answer = this.#reply.finish(outcome, { lazily: this.registration.repeatable })
    this.#answer = answer
    // A caller may ignore the promise; its rejection must not end the process.
    answer.catch(() => {})
    this.#end()
    return answer
  }

  /** Ends the call and leaves the answer to the next process; rejects when that cannot be recorded. */
  async handOver(outcome: ActionOutcome | undefined, options: HandOverOptions): Promise<void> {
    if (this.#ended) throw new AgentError('INVALID_ARGUMENT', 'The call has ended; it cannot be handed over.')
    await this.#reply.handOver(outcome, options)
    this.#end()
  }

  /** Asks the handler to stop. */
  abort(reason: AgentError): void {
    this.#controller.abort(reason)
  }

  /** Calls `onDeadline` after `timeoutMs`, unless the call ends before. */
  setDeadline(clock: Clock, timeoutMs: number, onDeadline: () => void): void {
    this.#deadline = clock.timer(timeoutMs, onDeadline, { background: true })
  }

  #end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#deadline?.cancel()
    this.#onEnd()
  }
}
