// SPDX-License-Identifier: Apache-2.0
import { applyBatch } from '../requests/batch.ts'
import { type Commands, type Context, definedPart, refuseByFault, thingOf } from '../requests/command.ts'
import type { PropertySample } from '../store/things.ts'
import { badParameter, CommandFailure, codes, notFound } from '../values/failure.ts'
import { compact, type JsonObject } from '../values/json.ts'
import { flag, optionalText, requiredKey, requiredNumber, requiredText, textList } from '../values/params.ts'
import { momentIn, momentOf, optionalMoment } from '../values/timestamp.ts'

export const propertyCommands: Commands = {
  'property.publish': (params, context) => publish('property.publish', params, context),

  'property.batch': (params, context) => {
    applyBatch(params, ['thingKey', 'key', 'ts', 'corrId', 'aggregate'], item =>
      publish('property.batch', item, context),
    )
    return undefined
  },

  'property.current': (params, context) => {
    const series = thingOf(params, context).properties.get(requiredKey(params))
    const at = optionalMoment(params, 'ts')
    const sample = at === undefined ? series?.newest : series?.at(at.ms)
    if (sample === undefined) throw notFound('Property')
    return shown(sample)
  },

  'property.history': (params, context) => {
    const series = thingOf(params, context).properties.get(requiredKey(params))
    const cut = context.state.faults.peek('cutHistoryFraction') !== undefined
    const rows = series?.select(params).map(shown) ?? []
    const values = cut ? rows.map(row => ({ ...row, ts: String(row.ts).replace(/\.\d+/, '') })) : rows
    return { values }
  },

  'property.aggregate': (params, context) => aggregate(params, context),

  'property.summary': (params, context) => {
    const thing = thingOf(params, context)
    const keys = textList(params, 'keys') ?? [...thing.properties.keys()]
    const rows = keys.map(key => {
      const series = thing.properties.get(key)
      return [key, { count: series?.received ?? 0, newest: series?.newest && shown(series.newest) }] as const
    })
    return { properties: Object.fromEntries(rows) }
  },

  'property.stats': (params, context) => {
    const rows = thingOf(params, context).properties.get(requiredKey(params))?.select(params) ?? []
    if (rows.length === 0) return { count: 0 }
    const values = rows.map(row => row.value)
    return {
      count: values.length,
      min: values.reduce((one, other) => Math.min(one, other)),
      max: values.reduce((one, other) => Math.max(one, other)),
      avg: values.reduce((sum, value) => sum + value, 0) / values.length,
    }
  },

  'property.delete': (params, context) => {
    const series = thingOf(params, context).properties.get(requiredKey(params))
    const start = momentOf(requiredText(params, 'startTs'), 'startTs')
    series?.remove(start.ms, momentOf(requiredText(params, 'endTs'), 'endTs').ms)
    return undefined
  },
}

function publish(command: string, params: JsonObject, context: Context): undefined {
  const thing = thingOf(params, context)
  const key = requiredKey(params)
  refuseByFault(context, command, key)
  const value = requiredNumber(params, 'value')
  // The reference of property.batch spells the field `corrid`, as the old agent does [TR50 property.batch].
  const corrId = optionalText(params, 'corrId') ?? optionalText(params, 'corrid')
  flag(params, 'aggregate')
  const moment = momentIn(params)
  const series = thing.property(key)
  context.state.connections.totals.samples++
  const isDuplicate = series.sameMoment(moment.ms).length > 0
  if (isDuplicate && definedPart(context, thing, 'properties', key)?.deDuplicate === true) return undefined
  series.insert({ ...moment, value, corrId })
  context.state.change(thing, `property/${key}`, () => String(value))
  return undefined
}

const bucketMs: Readonly<Record<string, number>> = { hour: 3_600_000, day: 86_400_000 }

function aggregate(params: JsonObject, context: Context): JsonObject {
  const thing = thingOf(params, context)
  const key = requiredKey(params)
  if (definedPart(context, thing, 'properties', key)?.calcAggregates !== true)
    throw new CommandFailure(codes.badParameter, `Property ${key} calculates no aggregates.`)
  const calc = requiredText(params, 'calc')
  const series = requiredText(params, 'series')
  const width = bucketMs[series]
  if (width === undefined) throw badParameter('series must be hour or day.')
  const buckets = new Map<number, number[]>()
  for (const row of thing.properties.get(key)?.select(params) ?? []) {
    const start = Math.floor(row.ms / width) * width
    const bucket = buckets.get(start)
    if (bucket === undefined) buckets.set(start, [row.value])
    else bucket.push(row.value)
  }
  const values = [...buckets].map(([startMs, numbers]) => ({
    ts: new Date(startMs).toISOString(),
    value: calculate(calc, numbers),
  }))
  return { values }
}

function calculate(calc: string, values: readonly number[]): number {
  const sum = values.reduce((total, value) => total + value, 0)
  if (calc === 'sum') return sum
  if (calc === 'count') return values.length
  if (calc === 'min') return values.reduce((one, other) => Math.min(one, other))
  if (calc === 'max') return values.reduce((one, other) => Math.max(one, other))
  if (calc === 'avg' || calc === 'wavg') return sum / values.length
  if (calc === 'nzwavg') return sum / Math.max(1, values.filter(value => value !== 0).length)
  throw badParameter('calc must be avg, wavg, nzwavg, sum, max, min or count.')
}

function shown(sample: PropertySample): JsonObject {
  return compact({ value: sample.value, ts: sample.ts, corrId: sample.corrId })
}
