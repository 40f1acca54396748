import { resolve, sep } from 'node:path'
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
      destination: destinationOf(operand(invocation, 1)),
    }),
}

/** Absolute, because the manager works elsewhere; a `/` at its end says that it is a folder. */
function destinationOf(given: string): string {
  const path = resolve(given)
  return given.endsWith(sep) && path !== sep ? `${path}${sep}` : path
}
