import type { JsonObject } from '../base/json.ts'
import type { Command } from './commands.ts'
import { pick } from './pick.ts'

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

const one = (command: string, thingKey: string, item: JsonObject): Command => ({
  command,
  params: { thingKey, ...item },
})
// No defaults at the top of a batch: the Python agent's were meaningless ("alarm_batch", texts for numbers) [TR50 3.0].
const many = (command: string, thingKey: string, data: readonly JsonObject[]): Command => ({
  command,
  params: { thingKey, data },
})

/** [TR50 property.publish] */
export const propertyPublish = (thingKey: string, sample: TelemetrySample): Command =>
  one('property.publish', thingKey, telemetryItem(sample))
/** [TR50 property.batch] */
export const propertyBatch = (thingKey: string, samples: readonly TelemetrySample[]): Command =>
  many('property.batch', thingKey, samples.map(telemetryItem))
/** [TR50 alarm.publish] */
export const alarmPublish = (thingKey: string, sample: AlarmSample): Command =>
  one('alarm.publish', thingKey, alarmItem(sample))
/** [TR50 alarm.batch] */
export const alarmBatch = (thingKey: string, samples: readonly AlarmSample[]): Command =>
  many('alarm.batch', thingKey, samples.map(alarmItem))
/** [TR50 attribute.publish] */
export const attributePublish = (thingKey: string, sample: AttributeSample): Command =>
  one('attribute.publish', thingKey, attributeItem(sample))
/** [TR50 attribute.batch] */
export const attributeBatch = (thingKey: string, samples: readonly AttributeSample[]): Command =>
  many('attribute.batch', thingKey, samples.map(attributeItem))
/** [TR50 location.publish] */
export const locationPublish = (thingKey: string, sample: LocationSample): Command =>
  one('location.publish', thingKey, locationItem(sample))
/** [TR50 location.batch] */
export const locationBatch = (thingKey: string, samples: readonly LocationSample[]): Command =>
  many('location.batch', thingKey, samples.map(locationItem))
/** [TR50 log.publish] */
export const logPublish = (thingKey: string, sample: EventSample): Command =>
  one('log.publish', thingKey, eventItem(sample))
