import { numberArg, numberFlags, operand } from './args.ts'
import type { Flag } from './command.ts'
import { corrIdFlag, publishCommand, switchOf } from './publish-sample.ts'

const places: readonly Flag[] = [
  { name: 'latitude', value: 'DEGREES', summary: 'Where it happened, with --longitude.' },
  { name: 'longitude', value: 'DEGREES', summary: 'Where it happened, with --latitude.' },
]

export const command = publishCommand({
  kind: 'alarm',
  summary: 'Hand an alarm state to the running device manager.',
  operands: [{ name: 'NAME' }, { name: 'STATE' }],
  flags: [
    { name: 'message', short: 'm', value: 'TEXT', summary: 'What the operator reads beside the state.' },
    { name: 'republish', summary: 'Publish the state even when it is the one that the cloud has.' },
    corrIdFlag,
    ...places,
  ],
  sample: invocation => ({
    name: operand(invocation, 0),
    state: numberArg('publish alarm', 'STATE', operand(invocation, 1)),
    message: invocation.value('message'),
    republish: switchOf(invocation, 'republish'),
    ...numberFlags(
      'publish alarm',
      invocation,
      places.map(({ name }) => name),
    ),
  }),
})
