// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../base/clock.ts'
import { AgentError } from '../base/errors.ts'
import { type OptionNames, optionsCheck } from '../config/known-options.ts'
import type { LaneInput, Receipt } from '../outbox/outbox.ts'
import { checkedFlag } from '../protocol/call-fields.ts'
import { checkedText, maxShortTextBytes, type TimestampInput, timestampText } from '../protocol/sample-fields.ts'
import { EventLevel, eventItem } from '../protocol/samples.ts'

/** Options of {@link EventsService.publish}: what a `log.publish` takes beside the text [TR50 log.publish]. */
export interface EventOptions {
  /** Default `info`. */
  readonly level?: 'error' | 'warning' | 'info' | undefined
  /** When it happened; default: now. */
  readonly timestamp?: TimestampInput | undefined
  /** Ties samples that belong together; at most 1024 bytes. */
  readonly corrId?: string | undefined
  /** Whether the line goes to the log of the whole organisation (default false: that of the thing alone). */
  readonly global?: boolean | undefined
}

/** What events.publish takes. */
export const eventNames: OptionNames<EventOptions> = {
  level: true,
  timestamp: true,
  corrId: true,
  global: true,
}

const checkPublish = optionsCheck('events.publish', eventNames)

// The server takes a missing level as "info", as the Python agent always sent it [TR50 3.5].
const levels: Readonly<Record<string, EventLevel | undefined>> = {
  error: EventLevel.Error,
  warning: EventLevel.Warning,
  info: undefined,
}

/** Lines in the log of the thing [TR50 3.5]. */
export class EventsService {
  readonly #outbox: LaneInput<'event'>
  readonly #clock: Clock

  constructor(parts: { outbox: LaneInput<'event'>; clock: Clock }) {
    this.#outbox = parts.outbox
    this.#clock = parts.clock
  }

  /**
   * Publishes one line. Resolves when the agent has taken charge of it; `receipt.delivered()` resolves when the cloud has it.
   *
   * @param message at most 64 KiB of UTF-8
   * @throws AgentError `INVALID_ARGUMENT` naming the value or the option, `OUTBOX_FULL`, `CLOSED`, `CONFIG_INVALID`
   */
  async publish(message: string, options: EventOptions = {}): Promise<Receipt> {
    checkPublish(options)
    const { level = 'info', timestamp, corrId, global } = options
    if (typeof level !== 'string' || !Object.hasOwn(levels, level))
      throw new AgentError('INVALID_ARGUMENT', 'The level of an event must be "error", "warning" or "info".', {
        details: { argument: 'level' },
      })
    const number = levels[level]
    const item = eventItem({
      msg: checkedText('event message', message),
      ts: timestampText(this.#clock, timestamp),
      level: number,
      corrId: corrId === undefined ? undefined : checkedText('corrId', corrId, maxShortTextBytes),
      global: global === undefined ? undefined : checkedFlag('global', global),
    })
    return this.#outbox.put('event', item)
  }
}
