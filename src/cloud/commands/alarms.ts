// SPDX-License-Identifier: Apache-2.0
import { applyBatch } from '../requests/batch.ts'
import { type Commands, type Context, definedPart, refuseByFault, thingOf } from '../requests/command.ts'
import type { Series } from '../store/series.ts'
import type { AlarmSample, Thing } from '../store/things.ts'
import { badParameter, notFound } from '../values/failure.ts'
import { compact, type JsonObject } from '../values/json.ts'
import { flag, optionalInteger, optionalNumber, optionalText, requiredKey, textList } from '../values/params.ts'
import { momentIn, optionalMoment } from '../values/timestamp.ts'

export const alarmCommands: Commands = {
  'alarm.publish': (params, context) => publish('alarm.publish', params, context),

  'alarm.batch': (params, context) => {
    const defaults = ['thingKey', 'key', 'ts', 'corrId', 'msg', 'lat', 'lng', 'republish', 'state']
    applyBatch(params, defaults, item => publish('alarm.batch', item, context))
    return undefined
  },

  'alarm.current': (params, context) => {
    const series = existing(params, context)
    const at = optionalMoment(params, 'ts')
    const current = at === undefined ? series.newest : series.at(at.ms)
    if (current === undefined) throw notFound('Alarm at that time')
    return { ...shown(current), duration: Math.max(0, Math.round(Date.now() - current.ms)) }
  },

  'alarm.history': (params, context) => {
    const series = thingOf(params, context).alarms.get(requiredKey(params))
    return { values: series?.select(params).map(shown) ?? [] }
  },

  'alarm.history.multi': (params, context) => {
    const thing = thingOf(params, context)
    const keys = textList(params, 'keys') ?? [...thing.alarms.keys()]
    return Object.fromEntries(keys.map(key => [key, thing.alarms.get(key)?.select(params).map(shown) ?? []]))
  },

  'alarm.summary': (params, context) => {
    const thing = thingOf(params, context)
    return { alarms: Object.fromEntries([...thing.alarms].map(([key, series]) => [key, { count: series.received }])) }
  },

  'alarm.delete': (params, context) => {
    const thing = thingOf(params, context)
    thing.alarms.get(requiredKey(params))?.clear()
    thing.alarms.delete(requiredKey(params))
    return undefined
  },
}

function publish(command: string, params: JsonObject, context: Context): undefined {
  const thing = thingOf(params, context)
  const key = requiredKey(params)
  refuseByFault(context, command, key)
  const state = optionalInteger(params, 'state')
  if (state === undefined) throw badParameter('state is missing.')
  checkState(thing, key, state, context)
  const sample: AlarmSample = {
    ...momentIn(params),
    state,
    msg: optionalText(params, 'msg'),
    corrId: optionalText(params, 'corrId'),
    lat: optionalNumber(params, 'lat'),
    lng: optionalNumber(params, 'lng'),
    republish: flag(params, 'republish'),
  }
  const series = thing.alarm(key)
  if (isSuppressed(series, sample)) return undefined
  series.insert(sample)
  context.state.connections.totals.samples++
  context.state.change(thing, `alarm/${key}`, () => String(state))
  return undefined
}

/** Throws unless the state is an index into the states of the definition, if it has any [TR50 alarm.publish]. */
function checkState(thing: Thing, key: string, state: number, context: Context): void {
  if (state < 0) throw badParameter(`state ${state} is negative.`)
  const states = definedPart(context, thing, 'alarms', key)?.states
  if (Array.isArray(states) && states.length > 0 && state >= states.length)
    throw badParameter(`state ${state} is too large, because alarm ${key} has ${states.length} states.`)
}

/** Whether a sample without `republish` repeats the newest state, or a state of the same moment [TR50 alarm.publish]. */
function isSuppressed(series: Series<AlarmSample>, sample: AlarmSample): boolean {
  if (sample.republish) return false
  const newest = series.newest
  if (newest !== undefined && sample.ms >= newest.ms) return newest.state === sample.state
  return series.sameMoment(sample.ms).some(one => one.state === sample.state)
}

function shown(sample: AlarmSample): JsonObject {
  const { ms: _, republish: __, ...fields } = sample
  return compact(fields)
}

function existing(params: JsonObject, context: Context): Series<AlarmSample> {
  const series = thingOf(params, context).alarms.get(requiredKey(params))
  if (series === undefined) throw notFound('Alarm')
  return series
}
