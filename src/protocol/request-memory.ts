import { limits } from './limits.ts'

/** How a request ended. */
export type RequestEnd = 'answered' | 'timedOut' | 'abandoned'

/** The last requests that ended, so that a late or second reply is told from one to a request that never was. Bounded. */
export class RequestMemory {
  readonly #ended = new Map<string, RequestEnd>()

  remember(suffix: string, end: RequestEnd): void {
    this.#ended.delete(suffix)
    this.#ended.set(suffix, end)
    if (this.#ended.size <= limits.rememberedRequests) return
    for (const oldest of this.#ended.keys()) {
      this.#ended.delete(oldest)
      return
    }
  }

  endOf(suffix: string): RequestEnd | undefined {
    return this.#ended.get(suffix)
  }
}
