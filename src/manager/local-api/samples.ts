// SPDX-License-Identifier: Apache-2.0
import { AgentError } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json.ts'
import type { Receipt } from '../../outbox/outbox.ts'
import { type AlarmsService, alarmNames } from '../../services/alarms.ts'
import { type AttributesService, attributeNames } from '../../services/attributes.ts'
import { type EventsService, eventNames } from '../../services/events.ts'
import { type LocationService, type Position, positionNames } from '../../services/location.ts'
import { type TelemetryService, telemetryNames } from '../../services/telemetry.ts'
import { checkMembers, numberField, optionalBoolean, optionalNumber, optionalText, textField } from './fields.ts'

/** The slice of the client that publishes. */
export interface SampleClient {
  readonly telemetry: Pick<TelemetryService, 'publish'>
  readonly attributes: Pick<AttributesService, 'publish'>
  readonly alarms: Pick<AlarmsService, 'publish'>
  readonly events: Pick<EventsService, 'publish'>
  readonly location: Pick<LocationService, 'publish'>
}

/** The members of a `publish` of one kind: what the library takes, under the same names. */
const members = {
  telemetry: ['name', 'value', ...Object.keys(telemetryNames)],
  attribute: ['name', 'text', ...Object.keys(attributeNames)],
  alarm: ['name', 'state', ...Object.keys(alarmNames)],
  event: ['message', ...Object.keys(eventNames)],
  location: Object.keys(positionNames),
} as const
type Kind = keyof typeof members

/** Hands a sample of a request to the client. Throws `INVALID_ARGUMENT` naming the member that is wrong, missing or unknown. */
export function publishSample(client: SampleClient, body: JsonObject): Promise<Receipt> {
  const kind = kindOf(body)
  checkMembers(`a publish of kind "${kind}"`, body, ['kind', 'waitS', ...members[kind]])
  const timestamp = optionalText(body, 'timestamp')
  const corrId = optionalText(body, 'corrId')
  const republish = optionalBoolean(body, 'republish')
  switch (kind) {
    case 'telemetry': {
      const aggregate = optionalBoolean(body, 'aggregate')
      return client.telemetry.publish(textField(body, 'name'), numberField(body, 'value'), {
        timestamp,
        corrId,
        aggregate,
      })
    }
    case 'attribute':
      return client.attributes.publish(textField(body, 'name'), textField(body, 'text'), {
        timestamp,
        republish,
        corrId,
      })
    case 'alarm':
      return client.alarms.publish(textField(body, 'name'), numberField(body, 'state'), {
        message: optionalText(body, 'message'),
        republish,
        timestamp,
        corrId,
        latitude: optionalNumber(body, 'latitude'),
        longitude: optionalNumber(body, 'longitude'),
      })
    case 'event': {
      const global = optionalBoolean(body, 'global')
      return client.events.publish(textField(body, 'message'), { level: eventLevel(body), timestamp, corrId, global })
    }
    case 'location':
      return client.location.publish({ ...positionOf(body), timestamp, corrId })
  }
}

function kindOf(body: JsonObject): Kind {
  const kind = textField(body, 'kind')
  switch (kind) {
    case 'telemetry':
    case 'attribute':
    case 'alarm':
    case 'event':
    case 'location':
      return kind
    default:
      throw new AgentError('INVALID_ARGUMENT', '"kind" must be telemetry, attribute, alarm, event or location.')
  }
}

function positionOf(body: JsonObject): Position {
  return {
    latitude: numberField(body, 'latitude'),
    longitude: numberField(body, 'longitude'),
    heading: optionalNumber(body, 'heading'),
    altitude: optionalNumber(body, 'altitude'),
    speed: optionalNumber(body, 'speed'),
    accuracy: optionalNumber(body, 'accuracy'),
    fixType: optionalText(body, 'fixType'),
    streetNumber: optionalText(body, 'streetNumber'),
    street: optionalText(body, 'street'),
    city: optionalText(body, 'city'),
    state: optionalText(body, 'state'),
    zipCode: optionalText(body, 'zipCode'),
    country: optionalText(body, 'country'),
  }
}

function eventLevel(body: JsonObject): 'error' | 'warning' | 'info' | undefined {
  const level = optionalText(body, 'level')
  if (level === undefined || level === 'error' || level === 'warning' || level === 'info') return level
  throw new AgentError('INVALID_ARGUMENT', '"level" must be error, warning or info.')
}
