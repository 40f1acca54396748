import type { JsonObject } from '../values/json.ts'
import { hideSecrets } from './hide-secrets.ts'

/** One thing that was said, as a test or a person reads it. */
export interface Entry {
  readonly seq: number
  readonly ts: string
  readonly kind: 'mqtt' | 'http' | 'event'
  /** in: from the device or operator. */
  readonly direction: 'in' | 'out'
  readonly connection: string
  readonly topic: string
  readonly thingKey?: string
  readonly qos?: number
  readonly dup?: boolean
  readonly bytes?: number
  readonly status?: number
  readonly commands?: readonly string[]
  /** The payload, secrets hidden; long ones are cut. */
  readonly text?: string
}

const limits = { entries: 50_000, chars: 48 * 1024 * 1024, charsPerEntry: 512 * 1024 }
const maxWaiters = 1000

/** What was said, newest {@link limits} of it: tests prove with it what arrived. */
export class Transcript {
  #entries: Entry[] = []
  #chars = 0
  #seq = 0
  readonly #waiters = new Set<() => void>()

  add(entry: Omit<Entry, 'seq' | 'ts'>): void {
    const { text, ...rest } = entry
    const kept = text === undefined ? {} : { text: cut(hideSecrets(text)) }
    const whole: Entry = { seq: ++this.#seq, ts: new Date().toISOString(), ...rest, ...kept }
    this.#entries.push(whole)
    this.#chars += whole.text?.length ?? 0
    if (this.#entries.length > limits.entries * 1.25 || this.#chars > limits.chars) this.#trim()
    for (const wake of this.#waiters) wake()
  }

  get seq(): number {
    return this.#seq
  }

  /** Something that happened to a connection: a login, a refusal, an end. */
  event(connection: string, topic: string, about: { thingKey?: string | undefined; text?: string } = {}): void {
    const { thingKey, text } = about
    this.add({
      kind: 'event',
      direction: 'in',
      connection,
      topic,
      ...(thingKey === undefined ? {} : { thingKey }),
      ...(text === undefined ? {} : { text }),
    })
  }

  #trim(): void {
    const kept = this.#entries.slice(-Math.ceil(this.#entries.length / 2))
    this.#entries = kept
    this.#chars = kept.reduce((sum, entry) => sum + (entry.text?.length ?? 0), 0)
  }

  since(seq: number, wanted: (entry: Entry) => boolean, most: number): readonly Entry[] {
    const first = this.#entries.findIndex(entry => entry.seq > seq)
    if (first < 0) return []
    const found: Entry[] = []
    for (let at = first; at < this.#entries.length && found.length < most; at++) {
      const entry = this.#entries[at]
      if (entry !== undefined && wanted(entry)) found.push(entry)
    }
    return found
  }

  /** As {@link since}, but waits up to `waitMs` until there is at least one. */
  async wait(seq: number, wanted: (entry: Entry) => boolean, most: number, waitMs: number): Promise<readonly Entry[]> {
    const untilMs = performance.now() + waitMs
    for (;;) {
      const found = this.since(seq, wanted, most)
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

/** An entry as it is answered, its payload as JSON where it is JSON. */
export function asJson(entry: Entry, parse: (text: string) => JsonObject[string]): JsonObject {
  const { text, commands, ...rest } = entry
  const payload = text === undefined ? undefined : parse(text)
  return {
    ...rest,
    ...(commands === undefined ? {} : { commands }),
    ...(text === undefined ? {} : { text }),
    ...(payload === undefined ? {} : { payload }),
  }
}
