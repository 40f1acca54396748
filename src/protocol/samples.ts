import type { JsonObject } from '../base/json.ts'
import { pick } from './commands.ts'

/** A number of a thing at a time [TR50 3.3]. */
export interface TelemetrySample {
  readonly key: string
  readonly value: number
  readonly ts?: string
  readonly corrId?: string
  /** Not part of a batch item: such a sample goes as `property.publish`. */
  readonly aggregate?: boolean
}

/** A state of an alarm at a time [TR50 3.1]. */
export interface AlarmSample {
  readonly key: string
  readonly state: number
  readonly ts?: string
  readonly msg?: string
  readonly corrId?: string
  readonly lat?: number
  readonly lng?: number
  readonly republish?: boolean
}

/** A text of a thing at a time [TR50 3.2]. */
export interface AttributeSample {
  readonly key: string
  readonly value: string
  readonly ts?: string
  readonly republish?: boolean
  readonly corrId?: string
}

/** A position; degrees, metres, metres per second or whatever the fleet agreed on: the cloud stores plain numbers [TR50 3.4]. */
export interface LocationSample {
  readonly lat: number
  readonly lng: number
  readonly heading?: number
  readonly altitude?: number
  readonly speed?: number
  readonly fixAcc?: number
  readonly fixType?: string
  readonly ts?: string
  readonly corrId?: string
  readonly debounce?: boolean | number
  readonly streetNumber?: string
  readonly street?: string
  readonly city?: string
  readonly state?: string
  readonly zipCode?: string
  readonly country?: string
}

/** Levels of `log.publish` [TR50 3.5]. */
export const EventLevel = { Error: 0, Warning: 1, Info: 2 } as const
export type EventLevel = (typeof EventLevel)[keyof typeof EventLevel]

/** A line in the log of a thing [TR50 3.5]. */
export interface EventSample {
  readonly msg: string
  readonly ts?: string
  readonly level?: EventLevel
  readonly corrId?: string
  readonly global?: boolean
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
  readonly name?: string
  readonly desc?: string
  readonly iccid?: string
  readonly esn?: string
  readonly imei?: string
  readonly meid?: string
  readonly imsi?: string
  readonly tags?: readonly string[]
  readonly secTags?: readonly string[]
  readonly locEnabled?: boolean
  readonly corrId?: string
  /** Names of fields to clear. */
  readonly unset?: readonly string[]
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
