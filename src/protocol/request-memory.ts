// SPDX-License-Identifier: Apache-2.0
import { limits } from './limits.ts'

/** How a request ended. */
export type RequestEnd = 'answered' | 'timedOut' | 'abandoned'

/** Takes the payload of a reply that came after the deadline of its request. */
export type LateReply = (payload: Uint8Array) => void

/** The last requests that ended: they distinguish a late or second reply from a reply to a request that never was. Bounded. */
export class RequestMemory {
  readonly #ended = new Map<string, { readonly end: RequestEnd; late: LateReply | undefined }>()

  remember(suffix: string, end: RequestEnd, late?: LateReply): void {
    this.#ended.delete(suffix)
    this.#ended.set(suffix, { end, late: end === 'timedOut' ? late : undefined })
    if (this.#ended.size <= limits.rememberedRequests) return
    for (const oldest of this.#ended.keys()) {
      this.#ended.delete(oldest)
      return
    }
  }

  endOf(suffix: string): RequestEnd | undefined {
    return this.#ended.get(suffix)?.end
  }

  /** The callback that still wants the reply of a request that timed out; only for the first reply. */
  takeLate(suffix: string): LateReply | undefined {
    const known = this.#ended.get(suffix)
    const late = known?.late
    if (known !== undefined) known.late = undefined
    return late
  }
}
