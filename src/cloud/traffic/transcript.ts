// SPDX-License-Identifier: Apache-2.0
import { type JsonObject, parseJson } from '../values/json.ts'
import { hideSecrets } from './hide-secrets.ts'

/** One message, HTTP exchange or event. */
export interface Entry {
  readonly seq: number
  readonly ts: string
  readonly kind: 'mqtt' | 'http' | 'event'
  /** `in`: from a device or an operator. */
  readonly direction: 'in' | 'out'
  readonly connection: string
  readonly topic: string
  readonly thingKey?: string | undefined
  readonly qos?: number | undefined
  readonly dup?: boolean | undefined
  readonly bytes?: number | undefined
  readonly status?: number | undefined
  readonly commands?: readonly string[] | undefined
  /** The payload with secrets hidden; a long one is cut. */
  readonly text?: string | undefined
}

const limits = { entries: 50_000, chars: 48 * 1024 * 1024, charsPerEntry: 512 * 1024 }
const maxWaiters = 1000

/** The newest messages, HTTP exchanges and events, within {@link limits}: tests prove with them what arrived. */
export class Transcript {
  #entries: Entry[] = []
  #chars = 0
  #seq = 0
  readonly #waiters = new Set<() => void>()

  add(entry: Omit<Entry, 'seq' | 'ts'>): void {
    const text = entry.text === undefined ? undefined : cut(hideSecrets(entry.text))
    this.#entries.push({ seq: ++this.#seq, ts: new Date().toISOString(), ...entry, text })
    this.#chars += text?.length ?? 0
    if (this.#entries.length > limits.entries * 1.25 || this.#chars > limits.chars) this.#trim()
    for (const wake of this.#waiters) wake()
  }

  get seq(): number {
    return this.#seq
  }

  /** Adds what happened to a connection: a login, a refusal, an end. */
  event(connection: string, topic: string, about: Pick<Entry, 'thingKey' | 'text'> = {}): void {
    this.add({ kind: 'event', direction: 'in', connection, topic, ...about })
  }

  #trim(): void {
    const kept = this.#entries.slice(-Math.ceil(this.#entries.length / 2))
    this.#entries = kept
    this.#chars = kept.reduce((sum, entry) => sum + (entry.text?.length ?? 0), 0)
  }

  /** The entries after `seq` that `wanted` accepts, oldest first, at most `maxCount`. */
  since(seq: number, wanted: (entry: Entry) => boolean, maxCount: number): readonly Entry[] {
    const first = this.#entries.findIndex(entry => entry.seq > seq)
    if (first < 0) return []
    const found: Entry[] = []
    for (let at = first; at < this.#entries.length && found.length < maxCount; at++) {
      const entry = this.#entries[at]
      if (entry !== undefined && wanted(entry)) found.push(entry)
    }
    return found
  }

  /** As {@link since}, but waits up to `waitMs` until there is at least one. */
  async wait(
    seq: number,
    wanted: (entry: Entry) => boolean,
    maxCount: number,
    waitMs: number,
  ): Promise<readonly Entry[]> {
    const untilMs = performance.now() + waitMs
    for (;;) {
      const found = this.since(seq, wanted, maxCount)
      const leftMs = untilMs - performance.now()
      if (found.length > 0 || leftMs <= 0 || this.#waiters.size >= maxWaiters) return found
      await new Promise<void>(resolve => {
        const done = () => {
          clearTimeout(timer)
          this.#waiters.delete(done)
          resolve()
        }
        const timer = setTimeout(done, leftMs)
        this.#waiters.add(done)
      })
    }
  }
}

function cut(text: string): string {
  if (text.length <= limits.charsPerEntry) return text
  return `${text.slice(0, limits.charsPerEntry)}… (${text.length} characters)`
}

/** An entry as `cloud.transcript` shows it: with the parsed payload when it is JSON. */
export function asJson(entry: Entry): JsonObject {
  return { ...entry, payload: entry.text === undefined ? undefined : parseJson(entry.text) }
}
