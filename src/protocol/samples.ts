// SPDX-License-Identifier: Apache-2.0
import type { JsonObject } from '../base/json.ts'

/** A number of a thing at a time [TR50 3.3]. */
export interface TelemetrySample {
  readonly key: string
  readonly value: number
  readonly ts?: string | undefined
  readonly corrId?: string | undefined
  /** Not part of a batch item: such a sample goes as `property.publish`. */
  readonly aggregate?: boolean | undefined
}

/** A state of an alarm at a time [TR50 3.1]. */
export interface AlarmSample {
  readonly key: string
  readonly state: number
  readonly ts?: string | undefined
  readonly msg?: string | undefined
  readonly corrId?: string | undefined
  readonly lat?: number | undefined
  readonly lng?: number | undefined
  readonly republish?: boolean | undefined
}

/** A text of a thing at a time [TR50 3.2]. */
export interface AttributeSample {
  readonly key: string
  readonly value: string
  readonly ts?: string | undefined
  readonly republish?: boolean | undefined
  readonly corrId?: string | undefined
}

/** A position; degrees, metres, metres per second or whatever the fleet agreed on: the cloud stores plain numbers [TR50 3.4]. */
export interface LocationSample {
  readonly lat: number
  readonly lng: number
  readonly heading?: number | undefined
  readonly altitude?: number | undefined
  readonly speed?: number | undefined
  readonly fixAcc?: number | undefined
  readonly fixType?: string | undefined
  readonly ts?: string | undefined
  readonly corrId?: string | undefined
  readonly debounce?: boolean | number | undefined
  readonly streetNumber?: string | undefined
  readonly street?: string | undefined
  readonly city?: string | undefined
  readonly state?: string | undefined
  readonly zipCode?: string | undefined
  readonly country?: string | undefined
}

/** Levels of `log.publish` [TR50 3.5]. */
export const EventLevel = { Error: 0, Warning: 1, Info: 2 } as const
export type EventLevel = (typeof EventLevel)[keyof typeof EventLevel]

/** A line in the log of a thing [TR50 3.5]. */
export interface EventSample {
  readonly msg: string
  readonly ts?: string | undefined
  readonly level?: EventLevel | undefined
  readonly corrId?: string | undefined
  readonly global?: boolean | undefined
}

const telemetryNames = ['key', 'value', 'ts', 'corrId', 'aggregate']
const alarmNames = ['key', 'state', 'ts', 'msg', 'corrId', 'lat', 'lng', 'republish']
const attributeNames = ['key', 'value', 'ts', 'republish', 'corrId']
const locationNames = [
  'lat',
  'lng',
  'heading',
  'altitude',
  'speed',
  'fixAcc',
  'fixType',
  'ts',
  'corrId',
  'debounce',
  'streetNumber',
  'street',
  'city',
  'state',
  'zipCode',
  'country',
]
const eventNames = ['msg', 'ts', 'level', 'corrId', 'global']

/** The named members of `source` in the order of `names`, without those that are absent or null [TR50 2.2]. */
function pick(names: readonly string[], source: JsonObject): JsonObject {
  const picked: Record<string, JsonObject[string]> = {}
  for (const name of names) {
    const value = source[name]
    if (value !== undefined && value !== null) picked[name] = value
  }
  return picked
}

/** The sample as a batch item: members in wire order, absent ones left out [TR50 appendix A]. */
export const telemetryItem = (sample: TelemetrySample): JsonObject => pick(telemetryNames, { ...sample })
/** As {@link telemetryItem}. */
export const alarmItem = (sample: AlarmSample): JsonObject => pick(alarmNames, { ...sample })
/** As {@link telemetryItem}. */
export const attributeItem = (sample: AttributeSample): JsonObject => pick(attributeNames, { ...sample })
/** As {@link telemetryItem}. */
export const locationItem = (sample: LocationSample): JsonObject => pick(locationNames, { ...sample })
/** The parameters of `log.publish` without the thing key. */
export const eventItem = (sample: EventSample): JsonObject => pick(eventNames, { ...sample })

/** Fields of a thing that the device may set [TR50 thing.update]. */
export interface ThingChange {
  readonly name?: string | undefined
  readonly desc?: string | undefined
  readonly iccid?: string | undefined
  readonly esn?: string | undefined
  readonly imei?: string | undefined
  readonly meid?: string | undefined
  readonly imsi?: string | undefined
  readonly tags?: readonly string[] | undefined
  readonly secTags?: readonly string[] | undefined
  readonly locEnabled?: boolean | undefined
  readonly corrId?: string | undefined
  /** Names of fields to clear. */
  readonly unset?: readonly string[] | undefined
}

const thingNames = [
  'name',
  'desc',
  'iccid',
  'esn',
  'imei',
  'meid',
  'imsi',
  'tags',
  'secTags',
  'locEnabled',
  'corrId',
  'unset',
]

/** The parameters of `thing.update` without the thing key, in wire order. */
export const thingItem = (change: ThingChange): JsonObject => pick(thingNames, { ...change })
