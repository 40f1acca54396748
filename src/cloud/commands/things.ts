// SPDX-License-Identifier: Apache-2.0
import { type Commands, type Context, namedThing, operatorOf, sessionOf, thingOf } from '../requests/command.ts'
import { asRow, asShown } from '../store/thing-view.ts'
import { otherIdentifiers, type Thing } from '../store/things.ts'
import { badParameter, notFound } from '../values/failure.ts'
import { isObject, type JsonObject } from '../values/json.ts'
import { checkKey, flag, has, optionalText, page, requiredText, textList } from '../values/params.ts'
import { momentIn, now } from '../values/timestamp.ts'

export const thingCommands: Commands = {
  'thing.find': (params, context) => {
    sessionOf(context)
    const thing = namedThing(params, context, 'key') ?? context.session?.thing
    if (thing === undefined) throw notFound('Thing key')
    return asShown(thing, context.state)
  },

  'thing.update': (params, context) => {
    const thing = thingOf(params, context, 'key')
    change(thing, params, context)
    unset(thing, textList(params, 'unset') ?? [])
    return undefined
  },

  'thing.create': (params, context) => {
    sessionOf(context)
    const by = { id: optionalText(params, 'defId'), key: optionalText(params, 'defKey') }
    if (by.id === undefined && by.key === undefined) throw badParameter('defId or defKey is missing.')
    const definition = context.state.definitions.get(by)
    const thing = context.state.things.create({
      key: checkKey(requiredText(params, 'key')),
      name: requiredText(params, 'name'),
      defId: definition.id,
      createdBy: nameOfCaller(context),
    })
    change(thing, params, context)
    for (const [key, attribute] of Object.entries(isObject(params.attrs) ? params.attrs : {}))
      if (isObject(attribute) && has(attribute, 'value'))
        thing.attribute(checkKey(key)).insert({ ...momentIn(attribute), value: String(attribute.value) })
    return { id: thing.id }
  },

  'thing.delete': (params, context) => {
    operatorOf(context)
    const { things } = context.state
    const keys = textList(params, 'key') ?? []
    const ids = textList(params, 'id') ?? []
    const named = [...keys.map(key => things.byKey(key)), ...ids.map(id => things.byId(id))]
    const tags = textList(params, 'tag')
    const byTag = tags === undefined ? [] : things.all().filter(thing => tags.some(tag => thing.tags.includes(tag)))
    const selected = flag(params, 'all') ? things.all() : [...named, ...byTag]
    const known = selected.filter(thing => thing !== undefined)
    if (known.length === 0 || known.length < selected.length) throw notFound('Thing key')
    for (const thing of known) remove(thing, context)
    return undefined
  },

  'thing.list': list,
  'thing.search': list,

  'thing.bind': (params, context) => {
    const session = sessionOf(context)
    if (session.thing === undefined) throw badParameter('Only an application can bind things.')
    const key = checkKey(requiredText(params, 'key'))
    const definition = context.state.definitions.find({ key: optionalText(params, 'autoDefKey') })
    const thing =
      context.state.things.byKey(key) ??
      context.state.things.create({
        key,
        name: optionalText(params, 'autoDefThingName') ?? `auto:${key}`,
        defId: definition?.id ?? session.thing.defId,
        createdBy: 'AUTOREG',
      })
    thing.tags = textList(params, 'autoDefTags') ?? thing.tags
    session.bound.add(key)
    thing.connected = true
    if (context.state.mailbox.hasNew([key])) context.state.notify(key)
    return undefined
  },

  'thing.unbind': (params, context) => {
    const key = requiredText(params, 'key')
    sessionOf(context).bound.delete(key)
    const thing = context.state.things.byKey(key)
    if (thing !== undefined) thing.connected = context.state.sessions.ofThing(key).length > 0
    return undefined
  },

  'thing.tag.add': (params, context) => {
    const thing = thingOf(params, context, 'key')
    thing.tags = [...new Set([...thing.tags, ...(textList(params, 'tags') ?? [])])]
    return undefined
  },

  'thing.tag.delete': (params, context) => {
    const thing = thingOf(params, context, 'key')
    const gone = textList(params, 'tags') ?? []
    thing.tags = thing.tags.filter(tag => !gone.includes(tag))
    return undefined
  },

  'thing.def.change': (params, context) => {
    operatorOf(context)
    const by = { id: optionalText(params, 'newDefId'), key: optionalText(params, 'newDefKey') }
    thingOf(params, context, 'key').defId = context.state.definitions.get(by).id
    return undefined
  },

  'thing.appid.reset': (params, context) => {
    operatorOf(context)
    thingOf(params, context, 'key').appId = undefined
    return undefined
  },
}

function list(params: JsonObject, context: Context): JsonObject {
  operatorOf(context)
  const [tags, keys] = [textList(params, 'tags'), textList(params, 'keys')]
  const query = optionalText(params, 'query')?.toLowerCase()
  const things = context.state.things
    .all()
    .filter(
      thing =>
        (tags === undefined || tags.every(tag => thing.tags.includes(tag))) &&
        (keys === undefined || keys.includes(thing.key)) &&
        (query === undefined || `${thing.key} ${thing.name}`.toLowerCase().includes(query)) &&
        (!flag(params, 'hasLoc') || thing.locations.newest !== undefined),
    )
  const show = textList(params, 'show')
  const sort = optionalText(params, 'sort') ?? '+key'
  const rows = things.map(thing => asRow(thing, context.state, show))
  const field = sort.replace(/^[+-]/, '')
  const order = sort.startsWith('-') ? -1 : 1
  rows.sort((one, other) => order * String(one[field] ?? '').localeCompare(String(other[field] ?? '')))
  const { count, result } = page(params, rows)
  return { count, fields: show ?? Object.keys(rows[0] ?? {}), result }
}

function nameOfCaller(context: Context): string {
  const name = context.session?.user?.username
  return typeof name === 'string' ? name : (context.session?.thing?.key ?? 'unknown')
}

function change(thing: Thing, params: JsonObject, context: Context): void {
  for (const name of otherIdentifiers) {
    const value = optionalText(params, name)
    // With a key, an identifier is a new value; without one it has named the thing and stays.
    if (value !== undefined) context.state.things.identify(thing, name, value)
  }
  thing.name = optionalText(params, 'name') ?? thing.name
  thing.desc = optionalText(params, 'desc') ?? thing.desc
  thing.tags = textList(params, 'tags') ?? thing.tags
  thing.secTags = textList(params, 'secTags') ?? thing.secTags
  if (has(params, 'locEnabled')) thing.locEnabled = flag(params, 'locEnabled')
  thing.updatedOn = now().ts
  thing.updatedBy = nameOfCaller(context)
}

function unset(thing: Thing, fields: readonly string[]): void {
  for (const field of fields) {
    const identifier = otherIdentifiers.find(name => name === field)
    if (identifier !== undefined) thing.identifiers.delete(identifier)
    else if (field === 'desc') thing.desc = ''
    else if (field === 'name') thing.name = `auto:${thing.key}`
    else if (field === 'tags') thing.tags = []
    else if (field === 'secTags') thing.secTags = []
    else throw badParameter(`The field ${field.slice(0, 40)} cannot be unset.`)
  }
}

/** Deletes a thing, and closes its connections. */
function remove(thing: Thing, context: Context): void {
  context.state.things.delete(thing)
  for (const session of context.state.sessions.ofThing(thing.key)) {
    session.bound.delete(thing.key)
    if (session.thing === thing) session.close?.()
  }
}
