import type { Clock } from '../base/clock.ts'
import { AgentError } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import type { Receipt } from '../outbox/outbox.ts'
import { checkedKey, checkedText, type TimestampInput, timestampText } from '../protocol/sample-fields.ts'
import { alarmItem } from '../protocol/samples.ts'

/** Options of {@link AlarmsService.publish}. */
export interface AlarmOptions {
  /** What a person reads; at most 64 KiB of UTF-8. */
  readonly message?: string | undefined
  /** Keep the report even when it repeats the present state of the alarm (default false: the cloud drops repetitions). */
  readonly republish?: boolean | undefined
  /** When the state was entered; default: now. */
  readonly timestamp?: TimestampInput | undefined
}

/** States with names; the thing definition of the cloud says what each number means [TR50 3.1]. */
export class AlarmsService {
  readonly #outbox: { put(lane: 'alarm', item: JsonObject): Promise<Receipt> }
  readonly #clock: Clock

  constructor(parts: { outbox: { put(lane: 'alarm', item: JsonObject): Promise<Receipt> }; clock: Clock }) {
    this.#outbox = parts.outbox
    this.#clock = parts.clock
  }

  /**
   * Publishes the state of an alarm. Resolves when the agent has taken charge of it; `receipt.delivered()` tells when the
   * cloud has it.
   *
   * @param name letters, digits, `_` and `-`, at most 256
   * @param state index into the states of the alarm, a whole number from 0
   * @throws AgentError `INVALID_ARGUMENT`, `OUTBOX_FULL`, `CLOSED`, `CONFIG_INVALID`
   */
  async publish(name: string, state: number, options: AlarmOptions = {}): Promise<Receipt> {
    const { message, republish, timestamp } = options
    const key = checkedKey('alarm name', name)
    if (!Number.isSafeInteger(state) || state < 0)
      throw new AgentError('INVALID_ARGUMENT', `The state of the alarm "${name}" must be a whole number from 0.`)
    const item = alarmItem({
      key,
      state,
      ts: timestampText(this.#clock, timestamp),
      ...(message === undefined ? {} : { msg: checkedText(`message of the alarm "${name}"`, message) }),
      ...(republish === undefined ? {} : { republish: Boolean(republish) }),
    })
    return this.#outbox.put('alarm', item)
  }
}
