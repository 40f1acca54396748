// SPDX-License-Identifier: Apache-2.0
import { type Commands, namedThing, refuseByFault, sessionOf, thingOf } from '../requests/command.ts'
import { logLevel } from '../store/logs.ts'
import { badParameter } from '../values/failure.ts'
import { flag, has, optionalInteger, optionalText, page } from '../values/params.ts'
import { momentIn } from '../values/timestamp.ts'

export const eventCommands: Commands = {
  'log.publish': (params, context) => {
    const isGlobal = flag(params, 'global')
    const session = sessionOf(context)
    const thing = isGlobal && namedThing(params, context) === undefined ? session.thing : thingOf(params, context)
    refuseByFault(context, 'log.publish', optionalText(params, 'msg') ?? '')
    const msg = optionalText(params, 'msg')
    if (msg === undefined) throw badParameter('msg is missing.')
    const level = optionalInteger(params, 'level') ?? logLevel.info
    if (level < 0 || level > 2) throw badParameter(`level ${level} must be 0 (error), 1 (warning) or 2 (info).`)
    context.state.logs.add({ msg, level, at: momentIn(params), corrId: optionalText(params, 'corrId') }, thing)
    context.state.connections.totals.samples++
    return undefined
  },

  'log.list': (params, context) => {
    const isUser = sessionOf(context).user !== undefined
    const isNamed = has(params, 'thingKey') || has(params, 'thingId') || !isUser
    return page(params, context.state.logs.list(params, isNamed ? thingOf(params, context) : undefined))
  },
}
