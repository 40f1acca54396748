// SPDX-License-Identifier: Apache-2.0
import { applyBatch } from '../requests/batch.ts'
import { type Commands, type Context, refuseByFault, thingOf } from '../requests/command.ts'
import type { LocationSample } from '../store/things.ts'
import { badParameter, notFound } from '../values/failure.ts'
import { compact, isObject, type JsonObject } from '../values/json.ts'
import { optionalNumber, optionalText, page, requiredNumber, requiredText } from '../values/params.ts'
import { momentIn, momentOf } from '../values/timestamp.ts'

const numbers = ['heading', 'altitude', 'speed', 'fixAcc'] as const
const texts = ['fixType', 'corrId', 'streetNumber', 'street', 'city', 'state', 'zipCode', 'country'] as const
const fixTypes = ['gps', 'gnss', 'manual', 'm2m-locate', 'fixed', 'wifi', 'unknown']

export const locationCommands: Commands = {
  'location.publish': (params, context) => publish('location.publish', params, context),

  'location.batch': (params, context) => {
    // lat and lng of the top level are no defaults: the old agent puts meaningless text there [TR50 location.batch].
    applyBatch(params, ['thingKey', 'ts', 'corrId'], item => publish('location.batch', item, context))
    return undefined
  },

  'location.current': (params, context) => {
    const newest = thingOf(params, context).locations.newest
    if (newest === undefined) throw notFound('Location')
    return newest.fields
  },

  'location.history': (params, context) => ({
    values: page(
      params,
      thingOf(params, context)
        .locations.select(params)
        .map(sample => sample.fields),
      5000,
    ).result,
  }),

  'location.summary': (params, context) => ({ count: thingOf(params, context).locations.received }),

  'location.delete': (params, context) => {
    const start = momentOf(requiredText(params, 'startTs'), 'startTs')
    thingOf(params, context).locations.remove(start.ms, momentOf(requiredText(params, 'endTs'), 'endTs').ms)
    return undefined
  },

  'location.fixtypes': () => ({ values: fixTypes }),

  'location.encode': params => {
    const text = requiredText(params, 'location')
    const match = /^\s*(-?[\d.]+)\s*[,;\s]\s*(-?[\d.]+)\s*$/.exec(text)
    if (match === null) throw notFound('A place other than "lat, lng"')
    return { lat: Number(match[1]), lng: Number(match[2]) }
  },

  'location.decode': params => ({ ...coordinatesIn(params), address: {} }),
  'location.speedlimit': params => ({ ...coordinatesIn(params), speedLimit: 0 }),
  'location.weather': params => ({ ...coordinatesIn(params), temperature: 0 }),
  'location.network.decode': () => {
    throw notFound('Network position')
  },
}

function coordinatesIn(params: JsonObject): { lat: number; lng: number } {
  const [lat, lng] = [requiredNumber(params, 'lat'), requiredNumber(params, 'lng')]
  if (Math.abs(lat) > 90) throw badParameter(`lat ${lat} is not between -90 and 90.`)
  if (Math.abs(lng) > 180) throw badParameter(`lng ${lng} is not between -180 and 180.`)
  return { lat, lng }
}

function publish(command: string, params: JsonObject, context: Context): undefined {
  const thing = thingOf(params, context)
  refuseByFault(context, command, 'location')
  const moment = momentIn(params)
  const debounce = params.debounce ?? undefined
  if (isObject(debounce) || typeof debounce === 'string')
    throw badParameter('debounce must be a number, true or false.')
  const fields = compact({
    ...coordinatesIn(params),
    ...Object.fromEntries(numbers.map(name => [name, optionalNumber(params, name)])),
    ...Object.fromEntries(texts.map(name => [name, optionalText(params, name)])),
    debounce,
    ts: moment.ts,
  })
  const sample: LocationSample = { ...moment, fields }
  thing.locations.insert(sample)
  context.state.connections.totals.samples++
  context.state.change(thing, 'location', () => JSON.stringify(fields))
  return undefined
}
