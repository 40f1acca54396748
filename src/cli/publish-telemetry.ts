import { numberArg, operand } from './args.ts'
import { corrIdFlag, publishCommand, switchOf } from './publish-sample.ts'

export const command = publishCommand({
  kind: 'telemetry',
  summary: 'Hand a number to the running device manager.',
  operands: [{ name: 'NAME' }, { name: 'VALUE' }],
  flags: [
    corrIdFlag,
    { name: 'aggregate', summary: 'Count it in the aggregates that the cloud makes of this property.' },
  ],
  sample: invocation => ({
    name: operand(invocation, 0),
    value: numberArg('publish telemetry', 'VALUE', operand(invocation, 1)),
    aggregate: switchOf(invocation, 'aggregate'),
  }),
})
