// SPDX-License-Identifier: Apache-2.0
import { hasCode } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import type { Receipt } from '../../outbox/outbox.ts'

/** Publishes attributes that the cloud does not have yet: a text that it accepted in this process is not sent again. */
export class AttributePublisher {
  readonly #publish: (name: string, text: string) => Promise<Receipt>
  readonly #log: Log
  readonly #sent = new Map<string, string>()

  constructor(parts: { publish: (name: string, text: string) => Promise<Receipt>; log: Log }) {
    this.#publish = parts.publish
    this.#log = parts.log
  }

  /** Publishes those of `attributes` that differ from the last ones. */
  async publish(attributes: Iterable<readonly [name: string, text: string]>): Promise<void> {
    for (const [name, text] of attributes) {
      if (this.#sent.get(name) === text) continue
      try {
        const receipt = await this.#publish(name, text)
        this.#sent.set(name, text)
        receipt.delivered().catch(error => this.#refused(name, text, error))
      } catch (error) {
        // The client is closed: no other attribute can be published either.
        if (hasCode(error, 'CLOSED')) return
        this.#log.warn('attribute not published', { name, error })
      }
    }
  }

  /** An attribute that the cloud did not accept is sent again next time. */
  #refused(name: string, text: string, error: unknown): void {
    // The end of this process is no refusal: the next one publishes all of them.
    if (hasCode(error, 'CLOSED')) return
    if (this.#sent.get(name) === text) this.#sent.delete(name)
    this.#log.warn('attribute not accepted', { name, error })
  }
}
