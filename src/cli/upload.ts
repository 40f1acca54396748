import { resolve } from 'node:path'
import type { Command } from './command.ts'
import { runTransfer, transferFlags } from './transfer.ts'
import { operand } from './words.ts'

export const command: Command = {
  name: 'upload',
  summary: 'Send a file to the cloud through the running device manager.',
  description: 'A folder is sent file by file.',
  operands: [{ name: 'PATH' }],
  flags: [
    { name: 'name', short: 'n', value: 'NAME', summary: 'Name in the cloud (default: the name of the file).' },
    ...transferFlags,
  ],
  run: (invocation, terminal) =>
    runTransfer('upload', invocation, terminal, {
      path: resolve(operand(invocation, 0)),
      name: invocation.value('name'),
    }),
}
