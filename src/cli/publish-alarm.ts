import { publishCommand } from './publish-sample.ts'
import { numberWord, operand } from './words.ts'

export const command = publishCommand({
  kind: 'alarm',
  summary: 'Hand an alarm state to the running device manager.',
  operands: [{ name: 'NAME' }, { name: 'STATE' }],
  flags: [
    { name: 'message', short: 'm', value: 'TEXT', summary: 'What the operator reads beside the state.' },
    { name: 'republish', summary: 'Publish the state even when it is the one that the cloud has.' },
  ],
  sample: invocation => ({
    name: operand(invocation, 0),
    state: numberWord('publish alarm', 'STATE', operand(invocation, 1)),
    message: invocation.value('message'),
    republish: invocation.has('republish') ? true : undefined,
  }),
})
