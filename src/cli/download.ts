import { resolve } from 'node:path'
import type { Command } from './command.ts'
import { runTransfer, transferFlags } from './transfer.ts'
import { operand } from './words.ts'

export const command: Command = {
  name: 'download',
  summary: 'Fetch a file from the cloud through the running device manager.',
  operands: [{ name: 'NAME' }, { name: 'DEST' }],
  flags: transferFlags,
  run: (invocation, terminal) =>
    runTransfer('download', invocation, terminal, {
      name: operand(invocation, 0),
      destination: resolve(operand(invocation, 1)),
    }),
}
