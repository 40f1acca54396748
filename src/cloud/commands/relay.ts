// SPDX-License-Identifier: Apache-2.0
import type { RelaySession } from '../relay/relay-session.ts'
import { type Commands, type Context, operatorOf, thingOf } from '../requests/command.ts'
import type { Thing } from '../store/things.ts'
import { badParameter, CommandFailure, codes, notFound } from '../values/failure.ts'
import { compact, isObject, type JsonObject, parseJson } from '../values/json.ts'
import { flag, has, optionalInteger, optionalText, requiredText } from '../values/params.ts'
import { mailboxCommands } from './mailbox.ts'

/** How long the device may take to connect to the relay. */
const attachMs = 15_000

/** Remote access for operators. These commands are of this cloud alone: those of the real cloud are not public. */
export const relayCommands: Commands = {
  /** Opens a port of this machine that leads to a port of the device; returns `{id, host, port}`. */
  'relay.open': async (params, context) => {
    operatorOf(context)
    const thing = thingOf(params, context)
    const control = optionalText(params, 'control') ?? 'text'
    if (control !== 'text' && control !== 'binary') throw badParameter('control must be text or binary.')
    const multi = has(params, 'multi') ? flag(params, 'multi') : true
    const order = {
      thingKey: thing.key,
      host: optionalText(params, 'host') ?? 'localhost',
      port: has(params, 'name') ? portOf(thing, requiredText(params, 'name')) : portIn(params, 'port', 1),
      multi,
      reconnect: has(params, 'reconnect') ? flag(params, 'reconnect') : multi,
      control,
      listen: has(params, 'listen') ? portIn(params, 'listen', 0) : 0,
    } as const
    const created = context.state.relays.create(order)
    if (created === undefined) throw new CommandFailure(codes.tooLarge, 'Too many relay sessions are open.')
    const { session, url } = created
    try {
      await callDevice(
        { url, host: order.host, protocol: String(order.port), reconnect: order.reconnect },
        params,
        context,
      )
      const port = await session.listen(attachMs)
      context.state.transcript.event('', 'relay', { thingKey: thing.key, text: `session ${session.id} open` })
      return { id: session.id, host: '127.0.0.1', port }
    } catch (error) {
      session.end('the session did not begin')
      throw error instanceof CommandFailure ? error : new CommandFailure(codes.internal, String(error))
    }
  },

  'relay.list': (_, context) => {
    operatorOf(context)
    return { sessions: context.state.relays.all().map(shown) }
  },

  'relay.close': (params, context) => {
    operatorOf(context)
    const id = requiredText(params, 'id')
    const session = context.state.relays.all().find(one => one.id === id)
    if (session === undefined) throw notFound(`Relay session ${id.slice(0, 40)}`)
    session.end('the operator closed it')
    return undefined
  },
}

function callDevice(methodParams: JsonObject, params: JsonObject, context: Context) {
  const { thingKey, ackTimeout } = params
  return mailboxCommands['method.exec']?.(
    compact({ thingKey, ackTimeout, method: 'remote-access', params: methodParams }),
    context,
  )
}

/** The port of a service by its name in the attribute `remote_access_support` [TR50 4.5]. */
function portOf(thing: Thing, name: string): number {
  const text = thing.attributes.get('remote_access_support')?.newest?.value
  const services = typeof text === 'string' ? parseJson(text) : undefined
  const service = Array.isArray(services) ? services.find(one => isObject(one) && one.name === name) : undefined
  if (!isObject(service)) throw notFound(`Service ${name.slice(0, 60)} in remote_access_support`)
  return portIn(service, 'port', 1)
}

function portIn(params: JsonObject, name: string, min: number): number {
  const port = optionalInteger(params, name)
  if (port === undefined || port < min || port > 65_535) throw badParameter(`${name} must be ${min} to 65535.`)
  return port
}

function shown(session: RelaySession): JsonObject {
  const { id, order, startedMs, ended } = session
  const { control: _, ...shownOrder } = order
  return compact({ id, ...shownOrder, ...session.counts(), started: new Date(startedMs).toISOString(), ended })
}
