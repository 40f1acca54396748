// SPDX-License-Identifier: Apache-2.0
import type { Clock, Timer } from '../../base/clock.ts'
import type { AgentError } from '../../base/errors.ts'
import { abortReason } from '../../base/wait.ts'

/** What can end one transfer from outside: its deadline, its caller, the service; the first reason wins. */
export class TransferScope {
  readonly #controller = new AbortController()
  readonly #timer: Timer | undefined
  readonly #parent: AbortSignal | undefined
  readonly #onParent = () => {
    if (this.#parent !== undefined) this.#controller.abort(abortReason(this.#parent))
  }

  constructor(options: {
    readonly clock: Clock
    readonly timeoutMs?: number | undefined
    readonly onTimeout: () => AgentError
    readonly signal?: AbortSignal | undefined
  }) {
    const { clock, timeoutMs, onTimeout, signal } = options
    this.#parent = signal
    if (signal?.aborted) this.#onParent()
    else signal?.addEventListener('abort', this.#onParent, { once: true })
    this.#timer = timeoutMs === undefined ? undefined : clock.timer(timeoutMs, () => this.end(onTimeout()))
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Ends the transfer with `reason`. */
  end(reason: AgentError): void {
    if (!this.signal.aborted) this.#controller.abort(reason)
  }

  /** The transfer is over: releases the timer and the caller's signal. */
  release(): void {
    this.#timer?.cancel()
    this.#parent?.removeEventListener('abort', this.#onParent)
  }
}
