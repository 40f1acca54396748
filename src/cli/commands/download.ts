// SPDX-License-Identifier: Apache-2.0
import { resolve, sep } from 'node:path'
import { AgentError } from '../../base/errors.ts'
import { isMisread } from '../../platform/files/file-failure.ts'
import { runTransfer, transferFlags } from '../running-manager/transfer-command.ts'
import { operand } from '../shell/args.ts'
import type { Command } from '../shell/command.ts'

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

/** Absolute, because the manager has another current folder. A `/` at its end says that it is a folder. */
function destinationOf(given: string): string {
  const path = resolve(given)
  // Written as UTF-8, the path would name another folder.
  if (isMisread(path))
    throw new AgentError('INVALID_ARGUMENT', `download: DEST is ${path}, which is not UTF-8.`, {
      details: { command: 'download' },
      remedy: 'Name a path in UTF-8, and move the file afterwards.',
    })
  return given.endsWith(sep) && path !== sep ? `${path}${sep}` : path
}
