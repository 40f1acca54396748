// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../base/clock.ts'
import { AgentError } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'

import { writtenNumbers } from '../base/written-json.ts'

import { type OptionNames, optionsCheck } from '../config/known-options.ts'

import type { LaneInput, Receipt } from '../outbox/outbox.ts'
import { type Ask, type CurrentOptions, currentNames, currentRequest } from '../protocol/ask.ts'
import { checkedFlag } from '../protocol/call-fields.ts'
import { propertyCurrent } from '../protocol/commands.ts'
import {
  checkedKey,
  checkedNumber,
  checkedText,
  maxShortTextBytes,
  type TimestampInput,
  timestampText,
} from '../protocol/sample-fields.ts'
import { telemetryItem } from '../protocol/samples.ts'
import { CloudError } from '../protocol/status.ts'

/** Options of {@link TelemetryService.publish}: what a `property.publish` takes beside name and value [TR50 property.publish]. */
export interface TelemetryOptions {
  /** When the value was measured; default: now. */
  readonly timestamp?: TimestampInput | undefined
  /** Ties samples that belong together; at most 1024 bytes. Such a sample goes as a command of its own. */
  readonly corrId?: string | undefined
  /** Whether the cloud adds the sample to the aggregates of the property. Such a sample goes as a command of its own. */
  readonly aggregate?: boolean | undefined
}

/** What telemetry.publish takes. */
export const telemetryNames: OptionNames<TelemetryOptions> = {
  timestamp: true,
  corrId: true,
  aggregate: true,
}

const checkPublish = optionsCheck('telemetry.publish', telemetryNames)
const checkCurrent = optionsCheck<CurrentOptions>('telemetry.current', currentNames)

/** The newest sample of a property that the cloud has. */
export interface CurrentTelemetry {
  /** The nearest number of JavaScript to what the cloud has. */
  readonly value: number
  /** RFC 3339 text as the cloud gives it; absent when it gives none. */
  readonly timestamp?: string
  /** As it was published; absent when it was published without. */
  readonly corrId?: string
}

/** Numbers over time; the cloud calls them properties [TR50 3.3]. */
export class TelemetryService {
  readonly #outbox: LaneInput<'telemetry'>
  readonly #ask: Ask
  readonly #clock: Clock

  constructor(parts: {
    outbox: LaneInput<'telemetry'>
    ask: Ask
    clock: Clock
  }) {
    this.#outbox = parts.outbox
    this.#ask = parts.ask
    this.#clock = parts.clock
  }

  /**
   * Publishes one number. Resolves when the agent has taken charge of it; `receipt.delivered()` resolves when the cloud has it.
   *
   * @param name letters, digits, `_` and `-`, at most 256
   * @param value a finite number, sent as it is; a program that has an integer beyond ±9007199254740991 has lost digits of it
   * before, unless it is a bigint or text: those are refused, and belong into an attribute
   * @throws AgentError `INVALID_ARGUMENT` naming the value or the option, `OUTBOX_FULL`, `CLOSED`, `CONFIG_INVALID`
   */
  publish(name: string, value: number, options: TelemetryOptions = {}): Promise<Receipt> {
    // Not async, and no texts or objects that are not needed: this is the path of 100,000 samples a second.
    try {
      return this.#outbox.put('telemetry', this.#itemOf(name, value, options))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Asks the cloud for the newest sample [TR50 property.current].
   *
   * @throws AgentError `REFUSED_BY_CLOUD` (code -90008 in `details.errorCodes`: there is none), `TIMEOUT`, `NOT_CONNECTED`,
   * `LINK_LOST`, `INVALID_ARGUMENT`
   */
  async current(name: string, options: CurrentOptions = {}): Promise<CurrentTelemetry> {
    checkCurrent(options)
    const key = checkedKey('telemetry name', name)
    const { wait, at } = currentRequest(options)
    const answer = await this.#ask(thingKey => propertyCurrent(thingKey, key, at), wait)
    const { ts, corrId } = answer
    // What is beyond the numbers of JavaScript came as its digits: the nearest number is the best answer there is.
    const digits = writtenNumbers(answer)?.value
    const value = digits === undefined ? answer.value : Number(digits)
    if (value === undefined || value === null)
      throw new AgentError('REFUSED_BY_CLOUD', `The cloud has no value of the telemetry "${name}".`, {
        details: { errorCodes: [CloudError.NotFound], errorMessages: [] },
      })
    if (typeof value !== 'number')
      throw new AgentError('PROTOCOL_VIOLATION', `The cloud answered with a value of "${name}" that is no number.`)
    return {
      value,
      ...(typeof ts === 'string' ? { timestamp: ts } : {}),
      ...(typeof corrId === 'string' ? { corrId } : {}),
    }
  }

  /** Members in the order of the wire [TR50 appendix A]. */
  #itemOf(name: string, value: number, options: TelemetryOptions): JsonObject {
    checkPublish(options)
    const { timestamp, corrId, aggregate } = options
    const key = checkedKey('telemetry name', name)
    if (!Number.isFinite(value)) checkedNumber(`value of telemetry "${name}"`, value)
    const ts = timestampText(this.#clock, timestamp)
    if (corrId === undefined && aggregate === undefined) return { key, value, ts }
    return telemetryItem({
      key,
      value,
      ts,
      corrId: corrId === undefined ? undefined : checkedText('corrId', corrId, maxShortTextBytes),
      aggregate: aggregate === undefined ? undefined : checkedFlag('aggregate', aggregate),
    })
  }
}
