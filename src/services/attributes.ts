// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../base/clock.ts'
import { AgentError } from '../base/errors.ts'
import { writtenNumbers } from '../base/written-json.ts'
import { type OptionNames, optionsCheck } from '../config/known-options.ts'
import type { LaneInput, Receipt } from '../outbox/outbox.ts'
import { type Ask, type CurrentOptions, currentNames, currentRequest } from '../protocol/ask.ts'
import { checkedFlag } from '../protocol/call-fields.ts'
import { attributeCurrent } from '../protocol/commands.ts'
import {
  checkedKey,
  checkedText,
  maxShortTextBytes,
  type TimestampInput,
  timestampText,
} from '../protocol/sample-fields.ts'
import { attributeItem } from '../protocol/samples.ts'
import { CloudError } from '../protocol/status.ts'

/** Options of {@link AttributesService.publish}: what an `attribute.publish` takes beside name and text [TR50 attribute.publish]. */
export interface AttributeOptions {
  /** Since when the text holds; default: now. */
  readonly timestamp?: TimestampInput | undefined
  /** Keep the report even when it repeats the present text (default false). */
  readonly republish?: boolean | undefined
  /** Ties samples that belong together; at most 1024 bytes. Such a text goes as a command of its own. */
  readonly corrId?: string | undefined
}

/** What attributes.publish takes. */
export const attributeNames: OptionNames<AttributeOptions> = {
  timestamp: true,
  republish: true,
  corrId: true,
}

const checkPublish = optionsCheck('attributes.publish', attributeNames)
const checkCurrent = optionsCheck<CurrentOptions>('attributes.current', currentNames)

/** The newest text of an attribute that the cloud has. */
export interface CurrentAttribute {
  readonly value: string
  /** RFC 3339 text as the cloud gives it; absent for a default of the thing definition. */
  readonly timestamp?: string
  /** As it was published; absent when it was published without. */
  readonly corrId?: string
}

/** Texts that describe the thing [TR50 3.2]. */
export class AttributesService {
  readonly #outbox: LaneInput<'attribute'>
  readonly #ask: Ask
  readonly #clock: Clock

  constructor(parts: {
    outbox: LaneInput<'attribute'>
    ask: Ask
    clock: Clock
  }) {
    this.#outbox = parts.outbox
    this.#ask = parts.ask
    this.#clock = parts.clock
  }

  /**
   * Publishes one text. Resolves when the agent has taken charge of it; `receipt.delivered()` resolves when the cloud has it.
   *
   * @param name letters, digits, `_` and `-`, at most 256
   * @param text at most 64 KiB of UTF-8
   * @throws AgentError `INVALID_ARGUMENT` naming the value or the option, `OUTBOX_FULL`, `CLOSED`, `CONFIG_INVALID`
   */
  async publish(name: string, text: string, options: AttributeOptions = {}): Promise<Receipt> {
    checkPublish(options)
    const { timestamp, republish, corrId } = options
    const item = attributeItem({
      key: checkedKey('attribute name', name),
      value: checkedText(`text of the attribute "${name}"`, text),
      ts: timestampText(this.#clock, timestamp),
      republish: republish === undefined ? undefined : checkedFlag('republish', republish),
      corrId: corrId === undefined ? undefined : checkedText('corrId', corrId, maxShortTextBytes),
    })
    return this.#outbox.put('attribute', item)
  }

  /**
   * Asks the cloud for the newest text [TR50 attribute.current].
   *
   * @throws AgentError `REFUSED_BY_CLOUD` (code -90008 in `details.errorCodes`: there is none), `TIMEOUT`, `NOT_CONNECTED`,
   * `LINK_LOST`, `INVALID_ARGUMENT`
   */
  async current(name: string, options: CurrentOptions = {}): Promise<CurrentAttribute> {
    checkCurrent(options)
    const key = checkedKey('attribute name', name)
    const { wait, at } = currentRequest(options)
    const answer = await this.#ask(thingKey => attributeCurrent(thingKey, key, at), wait)
    const { value, ts, corrId } = answer
    if (value === undefined || value === null)
      throw new AgentError('REFUSED_BY_CLOUD', `The cloud has no text of the attribute "${name}".`, {
        details: { errorCodes: [CloudError.NotFound], errorMessages: [] },
      })
    // Other agents may have published numbers or booleans as attributes [TR50 3.2].
    if (typeof value === 'object')
      throw new AgentError('PROTOCOL_VIOLATION', `The cloud answered with a value of "${name}" that is no text.`)
    return {
      value: writtenNumbers(answer)?.value ?? String(value),
      ...(typeof ts === 'string' ? { timestamp: ts } : {}),
      ...(typeof corrId === 'string' ? { corrId } : {}),
    }
  }
}
