// SPDX-License-Identifier: Apache-2.0
import type { Session } from '../store/sessions.ts'
import type { State } from '../store/state.ts'
import { otherIdentifiers, type Thing } from '../store/things.ts'
import { CommandFailure, codes, notFound } from '../values/failure.ts'
import { isObject, type JsonObject } from '../values/json.ts'
import { optionalText } from '../values/params.ts'

/** What a command is given besides its parameters. */
export interface Context {
  readonly state: State
  readonly session: Session | undefined
  /** The connection of the request, for a session that it opens. */
  readonly from: {
    readonly connection: string
    readonly remoteAddress: string
    readonly transport: Session['transport']
  }
}

/** Executes a command and returns the `params` of its reply, if any; throws {@link CommandFailure}. */
export type Command = (params: JsonObject, context: Context) => JsonObject | undefined | Promise<JsonObject | undefined>
export type Commands = Readonly<Record<string, Command>>

/** The session, which most commands need. */
export function sessionOf(context: Context): Session {
  if (context.session === undefined) throw new CommandFailure(codes.notLoggedIn, 'Not logged in.')
  return context.session
}

/** The session of an operator; throws for a device. */
export function operatorOf(context: Context): Session {
  const session = sessionOf(context)
  if (session.user === undefined) throw new CommandFailure(codes.notPermitted, 'Only a user may do this.')
  return session
}

/** The thing that the parameters name, else that of the session [TR50 2.5]. Throws when a device names a foreign thing. */
export function thingOf(params: JsonObject, context: Context, keyName = 'thingKey'): Thing {
  const session = sessionOf(context)
  const named = namedThing(params, context, keyName)
  const thing = named ?? session.thing
  if (thing === undefined) throw notFound('Thing key')
  const isOwn = session.thing === thing || session.bound.has(thing.key)
  if (session.user === undefined && !isOwn)
    throw new CommandFailure(codes.notPermitted, `${session.thing?.key} may not act for thing ${thing.key}.`)
  return thing
}

/** The thing that the parameters name, without a check of permissions; undefined when they name none. */
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

/** Throws when the fault `refuseCommand` names the key of this command or batch item. */
export function refuseByFault(context: Context, command: string, key: string): void {
  const { state, session } = context
  const params = state.faults.take(
    'refuseCommand',
    { thingKey: session?.thing?.key, transport: session?.transport, commands: [command] },
    fault => fault.key === key,
  )
  if (params !== undefined) throw failureOf(params)
}

/** The failure with the codes and messages of a fault's parameters. */
export function failureOf(params: JsonObject): CommandFailure {
  const numbers = Array.isArray(params.errorCodes) ? params.errorCodes.filter(one => typeof one === 'number') : []
  const texts = Array.isArray(params.errorMessages) ? params.errorMessages.filter(one => typeof one === 'string') : []
  return new CommandFailure(
    numbers.length > 0 ? numbers : codes.notPermitted,
    texts.length > 0 ? texts : 'Refused by a fault of the local cloud.',
  )
}

/** The definition of one property, attribute or alarm, from the definition of the thing. */
export function definedPart(
  context: Context,
  thing: Thing,
  part: 'properties' | 'attributes' | 'alarms',
  key: string,
): JsonObject | undefined {
  const parts = context.state.definitionOf(thing)?.[part]
  const found = isObject(parts) && Object.hasOwn(parts, key) ? parts[key] : undefined
  return isObject(found) ? found : undefined
}
