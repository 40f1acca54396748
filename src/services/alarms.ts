// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../base/clock.ts'
import { AgentError } from '../base/errors.ts'
import { type OptionNames, optionsCheck } from '../config/known-options.ts'
import type { LaneInput, Receipt } from '../outbox/outbox.ts'
import { checkedFlag } from '../protocol/call-fields.ts'
import {
  checkedKey,
  checkedNumber,
  checkedText,
  maxShortTextBytes,
  type TimestampInput,
  timestampText,
} from '../protocol/sample-fields.ts'
import { alarmItem } from '../protocol/samples.ts'

/** Options of {@link AlarmsService.publish}: what an `alarm.publish` takes beside name and state [TR50 alarm.publish]. */
export interface AlarmOptions {
  /** What a person reads; at most 64 KiB of UTF-8. */
  readonly message?: string | undefined
  /** Keep the report even when it repeats the present state of the alarm (default false: the cloud drops repetitions). */
  readonly republish?: boolean | undefined
  /** When the state was entered; default: now. */
  readonly timestamp?: TimestampInput | undefined
  /** Ties samples that belong together; at most 1024 bytes. */
  readonly corrId?: string | undefined
  /** Where it happened: degrees, -90 to 90, north positive. With `longitude`. */
  readonly latitude?: number | undefined
  /** Degrees, -180 to 180, east positive. With `latitude`. */
  readonly longitude?: number | undefined
}

/** What alarms.publish takes. */
export const alarmNames: OptionNames<AlarmOptions> = {
  message: true,
  republish: true,
  timestamp: true,
  corrId: true,
  latitude: true,
  longitude: true,
}

const checkPublish = optionsCheck('alarms.publish', alarmNames)

/** States with names; the thing definition of the cloud says what each number means [TR50 3.1]. */
export class AlarmsService {
  readonly #outbox: LaneInput<'alarm'>
  readonly #clock: Clock

  constructor(parts: { outbox: LaneInput<'alarm'>; clock: Clock }) {
    this.#outbox = parts.outbox
    this.#clock = parts.clock
  }

  /**
   * Publishes the state of an alarm. Resolves when the agent has taken charge of it; `receipt.delivered()` resolves when the
   * cloud has it.
   *
   * @param name letters, digits, `_` and `-`, at most 256
   * @param state index into the states of the alarm, a whole number from 0
   * @throws AgentError `INVALID_ARGUMENT` naming the value or the option, `OUTBOX_FULL`, `CLOSED`, `CONFIG_INVALID`
   */
  async publish(name: string, state: number, options: AlarmOptions = {}): Promise<Receipt> {
    checkPublish(options)
    const { message, republish, timestamp, corrId } = options
    const key = checkedKey('alarm name', name)
    if (!Number.isSafeInteger(state) || state < 0)
      throw new AgentError('INVALID_ARGUMENT', `The state of the alarm "${name}" must be a whole number from 0.`, {
        details: { argument: 'state' },
      })
    const item = alarmItem({
      key,
      state,
      ts: timestampText(this.#clock, timestamp),
      msg: message === undefined ? undefined : checkedText(`message of the alarm "${name}"`, message),
      corrId: corrId === undefined ? undefined : checkedText('corrId', corrId, maxShortTextBytes),
      ...placeOf(options),
      republish: republish === undefined ? undefined : checkedFlag('republish', republish),
    })
    return this.#outbox.put('alarm', item)
  }
}

/** Half a position is none. */
function placeOf({ latitude, longitude }: AlarmOptions): { readonly lat?: number; readonly lng?: number } {
  if (latitude === undefined && longitude === undefined) return {}
  const [lone, missing] = latitude === undefined ? ['longitude', 'latitude'] : ['latitude', 'longitude']
  if (latitude === undefined || longitude === undefined)
    throw new AgentError('INVALID_ARGUMENT', `${lone} is there and ${missing} is not.`, {
      details: { argument: missing },
      remedy: 'Give both, or neither.',
    })
  return {
    lat: checkedNumber('latitude', latitude, -90, 90),
    lng: checkedNumber('longitude', longitude, -180, 180),
  }
}
