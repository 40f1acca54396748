import { operand } from './args.ts'
import { corrIdFlag, publishCommand, switchOf } from './publish-sample.ts'

export const command = publishCommand({
  kind: 'attribute',
  summary: 'Hand an attribute text to the running device manager.',
  operands: [{ name: 'NAME' }, { name: 'TEXT' }],
  flags: [corrIdFlag, { name: 'republish', summary: 'Publish the text even when it is the one that the cloud has.' }],
  sample: invocation => ({
    name: operand(invocation, 0),
    text: operand(invocation, 1),
    republish: switchOf(invocation, 'republish'),
  }),
})
