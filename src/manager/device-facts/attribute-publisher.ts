import { hasCode } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import type { Receipt } from '../../outbox/outbox.ts'

/** Publishes attributes that the cloud does not have yet: what it accepted in this process is not sent again. */
export class AttributePublisher {
  readonly #publish: (name: string, text: string) => Promise<Receipt>
  readonly #log: Log
  readonly #sent = new Map<string, string>()

  constructor(parts: { publish: (name: string, text: string) => Promise<Receipt>; log: Log }) {
    this.#publish = parts.publish
    this.#log = parts.log
  }

  /** Hands over those of `attributes` that differ from what was handed over before. */
  async publish(attributes: Iterable<readonly [name: string, text: string]>): Promise<void> {
    for (const [name, text] of attributes) {
      if (this.#sent.get(name) === text) continue
      try {
        const receipt = await this.#publish(name, text)
        this.#sent.set(name, text)
        receipt.delivered().catch(error => this.#refused(name, text, error))
      } catch (error) {
        // Nobody can publish any more.
        if (hasCode(error, 'CLOSED')) return
        this.#log.warn('attribute not published', { name, error })
      }
    }
  }

  /** What was not accepted after all is sent again next time. */
  #refused(name: string, text: string, error: unknown): void {
    // The end of this process is no refusal: the next one publishes all of them.
    if (hasCode(error, 'CLOSED')) return
    if (this.#sent.get(name) === text) this.#sent.delete(name)
    this.#log.warn('attribute not accepted', { name, error })
  }
}
