// SPDX-License-Identifier: Apache-2.0
import { numberOf } from '../faults/faults.ts'
import { type Commands, sessionOf } from '../requests/command.ts'

export const diagnosticCommands: Commands = {
  'diag.ping': (_, context) => {
    sessionOf(context)
    return undefined
  },

  'diag.time': (_, context) => {
    const { thing, transport } = sessionOf(context)
    const offset = context.state.faults.peek('timeOffset', { thingKey: thing?.key, transport })
    return { time: Date.now() + numberOf(offset, 'ms', 0) }
  },

  'diag.echo': (params, context) => {
    sessionOf(context)
    return params
  },
}
