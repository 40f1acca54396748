import { publishCommand } from './publish-sample.ts'
import { numberWord, operand } from './words.ts'

export const command = publishCommand({
  kind: 'telemetry',
  summary: 'Hand a number to the running device manager.',
  operands: [{ name: 'NAME' }, { name: 'VALUE' }],
  flags: [{ name: 'corr-id', value: 'ID', summary: 'Ties this sample to others.' }],
  sample: invocation => ({
    name: operand(invocation, 0),
    value: numberWord('publish telemetry', 'VALUE', operand(invocation, 1)),
    corrId: invocation.value('corr-id'),
  }),
})
