// SPDX-License-Identifier: Apache-2.0
import { corrIdFlag, publishCommand, switchOf } from '../running-manager/publish-command.ts'
import { operand } from '../shell/args.ts'

export const command = publishCommand({
  kind: 'event',
  summary: 'Publish an event text through the running device manager.',
  operands: [{ name: 'TEXT' }],
  flags: [
    { name: 'level', value: 'LEVEL', summary: 'error, warning or info (default: info).' },
    corrIdFlag,
    { name: 'global', short: 'g', summary: 'Write it into the log of the organisation, not into that of this thing.' },
  ],
  sample: invocation => ({
    message: operand(invocation, 0),
    level: invocation.value('level'),
    global: switchOf(invocation, 'global'),
  }),
})
