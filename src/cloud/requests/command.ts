import type { Session } from '../store/sessions.ts'
import type { State } from '../store/state.ts'
import { otherIdentifiers, type Thing } from '../store/things.ts'
import { CommandFailure, codes, notFound } from '../values/failure.ts'
import { isObject, type JsonObject } from '../values/json.ts'
import { optionalText } from '../values/params.ts'

/** What a command gets beside its parameters. */
export interface Context {
  readonly state: State
  readonly session: Session | undefined
  /** Where the request came from, for sessions that it opens. */
  readonly from: {
    readonly connection: string
    readonly remoteAddress: string
    readonly transport: Session['transport']
  }
}

/** Answers a command: with the `params` of its reply, or nothing; throws {@link CommandFailure}. */
export type Command = (params: JsonObject, context: Context) => JsonObject | undefined | Promise<JsonObject | undefined>
export type Commands = Readonly<Record<string, Command>>

/** The session, which most commands need. */
export function sessionOf(context: Context): Session {
  if (context.session === undefined) throw new CommandFailure(codes.notLoggedIn, 'Not logged in')
  return context.session
}

/** The session of an operator; devices may not do this. */
export function operatorOf(context: Context): Session {
  const session = sessionOf(context)
  if (session.user === undefined) throw new CommandFailure(codes.notPermitted, 'Only a user may do this')
  return session
}

/** The thing that the parameters name, else that of the session [TR50 2.5]; a device reaches its own things only. */
export function thingOf(params: JsonObject, context: Context, keyName = 'thingKey'): Thing {
  const session = sessionOf(context)
  const named = namedThing(params, context, keyName)
  const thing = named ?? session.thing
  if (thing === undefined) throw notFound('Thing key')
  const isOwn = session.thing === thing || session.bound.has(thing.key)
  if (session.user === undefined && !isOwn)
    throw new CommandFailure(codes.notPermitted, `${session.thing?.key} may not act for thing ${thing.key}`)
  return thing
}

/** The thing that the parameters name, whoever asks; undefined when they name none. */
export function namedThing(params: JsonObject, { state }: Context, keyName = 'thingKey'): Thing | undefined {
  for (const name of new Set([keyName, 'thingKey'])) {
    const key = optionalText(params, name)
    if (key === undefined) continue
    return state.things.byKey(key) ?? missing(`Thing key ${key.slice(0, 80)}`)
  }
  for (const name of keyName === 'key' ? ['id', 'thingId'] : ['thingId']) {
    const id = optionalText(params, name)
    if (id !== undefined) return state.things.byId(id) ?? missing(`Thing id ${id.slice(0, 80)}`)
  }
  for (const name of otherIdentifiers) {
    const value = optionalText(params, name)
    if (value !== undefined) return state.things.byIdentifier(name, value) ?? missing(`Thing with that ${name}`)
  }
  return undefined
}

function missing(what: string): never {
  throw notFound(what)
}

/** Refuses the command or batch item that a fault names by its key. */
export function refuseByFault(context: Context, command: string, key: string): void {
  const { state, session } = context
  const params = state.faults.takeWhere(
    'refuseCommand',
    { thingKey: session?.thing?.key, transport: session?.transport, commands: [command] },
    fault => fault.key === key,
  )
  if (params !== undefined) throw failureOf(params)
}

/** The failure that a fault describes. */
export function failureOf(params: JsonObject): CommandFailure {
  const numbers = Array.isArray(params.errorCodes) ? params.errorCodes.filter(one => typeof one === 'number') : []
  const texts = Array.isArray(params.errorMessages) ? params.errorMessages.filter(one => typeof one === 'string') : []
  return new CommandFailure(
    numbers.length > 0 ? numbers : codes.notPermitted,
    texts.length > 0 ? texts : 'Refused by a fault of the local cloud',
  )
}

/** The named part of a thing definition, such as its properties. */
export function definedPart(context: Context, thing: Thing, part: string, key: string): JsonObject | undefined {
  const parts = context.state.definitionOf(thing)?.[part]
  const found = isObject(parts) && Object.hasOwn(parts, key) ? parts[key] : undefined
  return isObject(found) ? found : undefined
}
