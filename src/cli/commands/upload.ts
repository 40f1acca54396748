// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path'
import { switchOf } from '../running-manager/publish-command.ts'
import { runTransfer, transferFlags } from '../running-manager/transfer-command.ts'
import { operand } from '../shell/args.ts'
import type { Command, Invocation } from '../shell/command.ts'

export const command: Command = {
  name: 'upload',
  summary: 'Send a file to the cloud through the running device manager.',
  description: 'A folder is sent file by file.',
  operands: [{ name: 'PATH' }],
  flags: [
    { name: 'name', short: 'n', value: 'NAME', summary: 'Name in the cloud (default: the name of the file).' },
    { name: 'public', summary: 'Anybody who knows the id of the file can download it without a login.' },
    { name: 'tag', value: 'TEXT', several: true, summary: 'Tag of the file in the cloud; may be given several times.' },
    { name: 'sec-tag', value: 'TEXT', several: true, summary: 'Security tag of the file; may be given several times.' },
    { name: 'log-complete', summary: 'Let the cloud write into the log of the thing that the file was stored.' },
    ...transferFlags,
  ],
  run: (invocation, terminal) =>
    runTransfer('upload', invocation, terminal, {
      path: resolve(operand(invocation, 0)),
      name: invocation.value('name'),
      public: switchOf(invocation, 'public'),
      tags: listOf(invocation, 'tag'),
      secTags: listOf(invocation, 'sec-tag'),
      logComplete: switchOf(invocation, 'log-complete'),
    }),
}

function listOf(invocation: Invocation, flag: string): readonly string[] | undefined {
  return invocation.has(flag) ? invocation.values(flag) : undefined
}
