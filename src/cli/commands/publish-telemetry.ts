// SPDX-License-Identifier: Apache-2.0
import { corrIdFlag, publishCommand, switchOf } from '../running-manager/publish-command.ts'
import { numberArg, operand } from '../shell/args.ts'

export const command = publishCommand({
  kind: 'telemetry',
  summary: 'Publish a number through the running device manager.',
  operands: [{ name: 'NAME' }, { name: 'VALUE' }],
  flags: [
    corrIdFlag,
    { name: 'aggregate', summary: 'Include it in the aggregates that the cloud computes for this property.' },
  ],
  sample: invocation => ({
    name: operand(invocation, 0),
    value: numberArg('publish telemetry', 'VALUE', operand(invocation, 1)),
    aggregate: switchOf(invocation, 'aggregate'),
  }),
})
