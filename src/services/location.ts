// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../base/clock.ts'
import { type OptionNames, optionsCheck } from '../config/known-options.ts'
import type { LaneInput, Receipt } from '../outbox/outbox.ts'
import {
  checkedNumber,
  checkedText,
  maxShortTextBytes,
  type TimestampInput,
  timestampText,
} from '../protocol/sample-fields.ts'
import { locationItem } from '../protocol/samples.ts'

/** A position of the thing: what a `location.publish` takes [TR50 location.publish]. */
export interface Position {
  /** Degrees, -90 to 90, north positive. */
  readonly latitude: number
  /** Degrees, -180 to 180, east positive. */
  readonly longitude: number
  /** Degrees from north, 0 to 360. */
  readonly heading?: number | undefined
  /** Metres. */
  readonly altitude?: number | undefined
  /** In the unit that the fleet agreed on, from 0; the cloud stores the plain number. */
  readonly speed?: number | undefined
  /** Metres, from 0. */
  readonly accuracy?: number | undefined
  /** How the position was found: `gps`, `gnss`, `manual`, `m2m-locate`, or any text of at most 1024 bytes. */
  readonly fixType?: string | undefined
  /** When the thing was there; default: now. */
  readonly timestamp?: TimestampInput | undefined
  /** Ties samples that belong together; at most 1024 bytes. */
  readonly corrId?: string | undefined
  /** The address, as far as it is known; each text at most 1024 bytes. */
  readonly streetNumber?: string | undefined
  readonly street?: string | undefined
  readonly city?: string | undefined
  readonly state?: string | undefined
  readonly zipCode?: string | undefined
  readonly country?: string | undefined
}

/** What location.publish takes. */
export const positionNames: OptionNames<Position> = {
  latitude: true,
  longitude: true,
  heading: true,
  altitude: true,
  speed: true,
  accuracy: true,
  fixType: true,
  timestamp: true,
  corrId: true,
  streetNumber: true,
  street: true,
  city: true,
  state: true,
  zipCode: true,
  country: true,
}

const checkPublish = optionsCheck('location.publish', positionNames)

const texts = ['fixType', 'corrId', 'streetNumber', 'street', 'city', 'state', 'zipCode', 'country'] as const

/** Where the thing is [TR50 3.4]. */
export class LocationService {
  readonly #outbox: LaneInput<'location'>
  readonly #clock: Clock

  constructor(parts: { outbox: LaneInput<'location'>; clock: Clock }) {
    this.#outbox = parts.outbox
    this.#clock = parts.clock
  }

  /**
   * Publishes a position. Resolves when the agent has taken charge of it; `receipt.delivered()` resolves when the cloud has it.
   *
   * @throws AgentError `INVALID_ARGUMENT` naming the field, `OUTBOX_FULL`, `CLOSED`, `CONFIG_INVALID`
   */
  async publish(position: Position): Promise<Receipt> {
    checkPublish(position)
    const { heading, altitude, speed, accuracy } = position
    const textFields = texts.flatMap(name => {
      const text = position[name]
      return text === undefined ? [] : [[name, checkedText(name, text, maxShortTextBytes)] as const]
    })
    const item = locationItem({
      lat: checkedNumber('latitude', position.latitude, -90, 90),
      lng: checkedNumber('longitude', position.longitude, -180, 180),
      heading: heading === undefined ? undefined : checkedNumber('heading', heading, 0, 360),
      altitude: altitude === undefined ? undefined : checkedNumber('altitude', altitude),
      speed: speed === undefined ? undefined : checkedNumber('speed', speed, 0),
      fixAcc: accuracy === undefined ? undefined : checkedNumber('accuracy', accuracy, 0),
      ts: timestampText(this.#clock, position.timestamp),
      ...Object.fromEntries(textFields),
    })
    return this.#outbox.put('location', item)
  }
}
