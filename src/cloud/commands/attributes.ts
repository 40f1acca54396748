// SPDX-License-Identifier: Apache-2.0
import { applyBatch } from '../requests/batch.ts'
import { type Commands, type Context, definedPart, refuseByFault, thingOf } from '../requests/command.ts'
import type { AttributeSample } from '../store/things.ts'
import { badParameter, notFound } from '../values/failure.ts'
import { compact, type JsonObject } from '../values/json.ts'
import { has, optionalText, page, requiredKey } from '../values/params.ts'
import { momentIn, optionalMoment } from '../values/timestamp.ts'

export const attributeCommands: Commands = {
  'attribute.publish': (params, context) => publish('attribute.publish', params, context),
  'thing.attr.set': (params, context) => publish('thing.attr.set', params, context),

  'attribute.batch': (params, context) => {
    applyBatch(params, ['thingKey', 'key', 'ts', 'republish', 'corrId'], item => {
      // A null unsets an attribute only in a single publish; in an item it counts as absent [TR50 2.2].
      if (!has(item, 'value')) throw badParameter('value is missing.')
      publish('attribute.batch', item, context)
    })
    return undefined
  },

  'attribute.current': current,
  'thing.attr.get': current,

  'attribute.history': (params, context) => {
    const series = thingOf(params, context).attributes.get(requiredKey(params))
    return { values: page(params, series?.select(params).map(shown) ?? [], 5000).result }
  },

  'thing.attr.unset': (params, context) => publish('thing.attr.unset', { ...params, value: null }, context),
  'attribute.delete': (params, context) => publish('attribute.delete', { ...params, value: null }, context),
}

function publish(command: string, params: JsonObject, context: Context): undefined {
  const thing = thingOf(params, context)
  const key = requiredKey(params)
  refuseByFault(context, command, key)
  if (params.value === undefined) throw badParameter('value is missing.')
  const value = textOf(params.value)
  thing.attribute(key).insert({ ...momentIn(params), value, corrId: optionalText(params, 'corrId') })
  context.state.connections.totals.samples++
  context.state.change(thing, `attribute/${key}`, () => value ?? '')
  return undefined
}

/** The value as text; the old agent sends any JSON value that its caller gives [TR50 attribute.batch]. */
function textOf(value: JsonObject[string]): string | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'string') return optionalText({ value }, 'value') ?? null
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

function current(params: JsonObject, context: Context): JsonObject {
  const thing = thingOf(params, context)
  const key = requiredKey(params)
  const at = optionalMoment(params, 'ts')
  const series = thing.attributes.get(key)
  const sample = at === undefined ? series?.newest : series?.at(at.ms)
  if (sample !== undefined && sample.value !== null) return shown(sample)
  const fallback = definedPart(context, thing, 'attributes', key)?.default
  if (typeof fallback === 'string') return { value: fallback }
  throw notFound('Attribute')
}

function shown(sample: AttributeSample): JsonObject {
  return compact({ value: sample.value, ts: sample.ts, corrId: sample.corrId })
}
