import { publishCommand } from './publish-sample.ts'
import { operand } from './words.ts'

export const command = publishCommand({
  kind: 'attribute',
  summary: 'Hand an attribute text to the running device manager.',
  operands: [{ name: 'NAME' }, { name: 'TEXT' }],
  sample: invocation => ({ name: operand(invocation, 0), text: operand(invocation, 1) }),
})
