// SPDX-License-Identifier: Apache-2.0
import { compact, type JsonObject } from '../values/json.ts'
import type { State } from './state.ts'
import type { Thing } from './things.ts'

/** A thing as `thing.find` shows it [TR50 3.9]. */
export function asShown(thing: Thing, state: State): JsonObject {
  const definition = state.definitionOf(thing)
  const location = thing.locations.newest
  return compact({
    id: thing.id,
    orgId: state.org.id,
    ownerOrgId: state.org.id,
    permission: 'rw',
    key: thing.key,
    name: thing.name,
    desc: thing.desc === '' ? undefined : thing.desc,
    defId: thing.defId,
    defKey: definition?.key,
    defName: definition?.name,
    ...Object.fromEntries(thing.identifiers),
    tags: thing.tags,
    secTags: thing.secTags,
    connected: thing.connected,
    lastSeen: thing.lastSeen,
    lastCommunication: thing.lastSeen,
    locEnabled: thing.locEnabled,
    locUpdated: location?.ts,
    loc: location === undefined ? undefined : { ...location.fields, addr: {}, since: location.ts },
    attrs: newest(thing.attributes, sample => (sample.value === null ? undefined : { value: sample.value })),
    properties: newest(thing.properties, sample => ({ value: sample.value })),
    alarms: newest(thing.alarms, sample => compact({ state: sample.state, msg: sample.msg })),
    createdBy: thing.createdBy,
    createdOn: thing.createdOn,
    updatedBy: thing.updatedBy,
    updatedOn: thing.updatedOn,
    appId: thing.appId !== undefined,
    apiCounts: {},
    storage: {},
  })
}

/** A thing as a row of `thing.list`, with the fields that `show` names, else all. */
export function asRow(thing: Thing, state: State, show: readonly string[] | undefined): JsonObject {
  const fields = asShown(thing, state)
  if (show === undefined) return fields
  return Object.fromEntries(show.filter(name => Object.hasOwn(fields, name)).map(name => [name, fields[name]]))
}

function newest<T extends { readonly ts: string }>(
  all: ReadonlyMap<string, { readonly newest: T | undefined }>,
  show: (sample: T) => JsonObject | undefined,
): JsonObject {
  return Object.fromEntries(
    [...all].flatMap(([key, series]) => {
      const fields = series.newest === undefined ? undefined : show(series.newest)
      return fields === undefined ? [] : [[key, { ...fields, ts: series.newest?.ts, since: series.newest?.ts }]]
    }),
  )
}
