// SPDX-License-Identifier: Apache-2.0
import { faultTable } from '../faults/fault-table.ts'
import { matchesPattern } from '../faults/faults.ts'
import { type Commands, operatorOf } from '../requests/command.ts'
import { asJson, type Entry } from '../traffic/transcript.ts'
import { badParameter, notFound } from '../values/failure.ts'
import { compact, type JsonObject } from '../values/json.ts'
import { flag, optionalInteger, optionalText, requiredText } from '../values/params.ts'

const maxWaitMs = 60_000
const maxEntriesPerAnswer = 10_000

/** The commands of this cloud alone: faults, transcript, connections, counters, and messages pushed to a device. */
export const cloudCommands: Commands = {
  'cloud.fault.set': async (params, context) => {
    operatorOf(context)
    const { name: _, ...rest } = params
    const { faults } = context.state
    const { id } = faults.set(requiredText(params, 'name'), compact(rest))
    await faults.settled()
    return { id }
  },

  'cloud.fault.clear': async (params, context) => {
    operatorOf(context)
    const { faults } = context.state
    const cleared = faults.clear({ id: optionalText(params, 'id'), name: optionalText(params, 'name') })
    await faults.settled()
    return { cleared }
  },

  'cloud.fault.list': (_, context) => {
    operatorOf(context)
    const active = context.state.faults.list().map(fault => compact({ ...fault }))
    return { active, available: faultTable }
  },

  'cloud.transcript': async (params, context) => {
    operatorOf(context)
    const { transcript } = context.state
    const since = optionalInteger(params, 'since') ?? 0
    const maxCount = Math.min(maxEntriesPerAnswer, optionalInteger(params, 'limit') ?? maxEntriesPerAnswer)
    const waitMs = Math.min(maxWaitMs, optionalInteger(params, 'waitMs') ?? 0)
    const found = await transcript.wait(since, filterOf(params), maxCount, waitMs)
    return { seq: transcript.seq, entries: found.map(asJson) }
  },

  'cloud.connections': (params, context) => {
    operatorOf(context)
    const transport = optionalText(params, 'transport')
    const records = context.state.connections
      .all()
      .filter(one => transport === undefined || one.transport === transport)
    return { connections: records.map(record => compact({ ...record })) }
  },

  'cloud.counters': (_, context) => {
    operatorOf(context)
    const { rss, heapUsed } = process.memoryUsage()
    return { ...context.state.connections.totals, rss, heapUsed }
  },

  'cloud.push': (params, context) => {
    operatorOf(context)
    const key = requiredText(params, 'thingKey')
    const base64 = optionalText(params, 'base64')
    const payload = base64 === undefined ? (optionalText(params, 'payload') ?? '') : Buffer.from(base64, 'base64')
    const sessions = context.state.sessions.ofThing(key)
    if (sessions.length === 0) throw notFound(`Connection of thing ${key}`)
    const topic = requiredText(params, 'topic')
    if (/[+#\0]/.test(topic)) throw badParameter('topic must not hold a wildcard.')
    for (const session of sessions) session.push?.(topic, payload, optionalInteger(params, 'qos') === 0 ? 0 : 1)
    return { sent: sessions.length }
  },

  'cloud.samples': (params, context) => {
    operatorOf(context)
    const thing = context.state.things.byKey(requiredText(params, 'thingKey'))
    if (thing === undefined) throw notFound('Thing key')
    const key = optionalText(params, 'key')
    const count = (all: ReadonlyMap<string, { received: number }>) =>
      Object.fromEntries([...all].map(([name, series]) => [name, series.received]))
    if (key === undefined || !flag(params, 'values'))
      return {
        properties: count(thing.properties),
        attributes: count(thing.attributes),
        alarms: count(thing.alarms),
        locations: thing.locations.received,
      }
    // Unlike property.history, without a limit of rows: a test compares everything that it sent.
    return {
      values:
        thing.properties
          .get(key)
          ?.all()
          .map(sample => sample.value) ?? [],
    }
  },
}

function filterOf(params: JsonObject): (entry: Entry) => boolean {
  const wanted = {
    kind: optionalText(params, 'kind'),
    direction: optionalText(params, 'direction'),
    connection: optionalText(params, 'connection'),
    thingKey: optionalText(params, 'thingKey'),
    topic: optionalText(params, 'topic'),
    command: optionalText(params, 'command'),
    contains: optionalText(params, 'contains'),
  }
  return entry =>
    (wanted.kind === undefined || entry.kind === wanted.kind) &&
    (wanted.direction === undefined || entry.direction === wanted.direction) &&
    (wanted.connection === undefined || entry.connection === wanted.connection) &&
    (wanted.thingKey === undefined || entry.thingKey === wanted.thingKey) &&
    (wanted.topic === undefined || matchesPattern(entry.topic, wanted.topic)) &&
    (wanted.contains === undefined || (entry.text ?? '').includes(wanted.contains)) &&
    (wanted.command === undefined ||
      (entry.commands ?? []).some(command => matchesPattern(command, wanted.command ?? '')))
}
