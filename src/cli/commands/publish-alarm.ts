// SPDX-License-Identifier: Apache-2.0
import { corrIdFlag, publishCommand, switchOf } from '../running-manager/publish-command.ts'
import { numberArg, numberFlags, operand } from '../shell/args.ts'
import type { Flag } from '../shell/command.ts'

const places: readonly Flag[] = [
  { name: 'latitude', value: 'DEGREES', summary: 'Where it happened, with --longitude.' },
  { name: 'longitude', value: 'DEGREES', summary: 'Where it happened, with --latitude.' },
]

export const command = publishCommand({
  kind: 'alarm',
  summary: 'Publish an alarm state through the running device manager.',
  operands: [{ name: 'NAME' }, { name: 'STATE' }],
  flags: [
    { name: 'message', short: 'm', value: 'TEXT', summary: 'Text that the operator reads with the state.' },
    { name: 'republish', summary: 'Publish the state even if the cloud has it already.' },
    corrIdFlag,
    ...places,
  ],
  sample: invocation => ({
    name: operand(invocation, 0),
    state: numberArg('publish alarm', 'STATE', operand(invocation, 1)),
    message: invocation.value('message'),
    republish: switchOf(invocation, 'republish'),
    ...numberFlags('publish alarm', invocation, places),
  }),
})
