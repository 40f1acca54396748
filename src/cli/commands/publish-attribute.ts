// SPDX-License-Identifier: Apache-2.0
import { corrIdFlag, publishCommand, switchOf } from '../running-manager/publish-command.ts'
import { operand } from '../shell/args.ts'

export const command = publishCommand({
  kind: 'attribute',
  summary: 'Publish an attribute text through the running device manager.',
  operands: [{ name: 'NAME' }, { name: 'TEXT' }],
  flags: [corrIdFlag, { name: 'republish', summary: 'Publish the text even if the cloud has it already.' }],
  sample: invocation => ({
    name: operand(invocation, 0),
    text: operand(invocation, 1),
    republish: switchOf(invocation, 'republish'),
  }),
})
