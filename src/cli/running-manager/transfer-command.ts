// SPDX-License-Identifier: Apache-2.0
import type { JsonObject } from '../../base/json.ts'
import { configDirFlag } from '../config/config-flags.ts'
import { numberFlag } from '../shell/args.ts'
import { bytesText } from '../shell/bytes-text.ts'
import type { Flag, Invocation, Terminal } from '../shell/command.ts'
import { askRunningManager } from './ask-manager.ts'
import { TransferLine } from './transfer-progress.ts'

/** Flags of `upload` and `download`. */
export const transferFlags: readonly Flag[] = [
  { name: 'global', short: 'g', summary: 'Use the file store of the organisation, not that of this thing.' },
  {
    name: 'timeout',
    value: 'SECONDS',
    summary:
      'Give up after so many seconds (default: not while it makes progress, and after 40 minutes without a connection).',
  },
  configDirFlag,
]

/** Runs one transfer through the manager, with progress on a terminal and one line at the end. */
export async function runTransfer(
  command: string,
  invocation: Invocation,
  terminal: Terminal,
  request: JsonObject,
): Promise<number> {
  const line = new TransferLine(terminal)
  try {
    const result = await askRunningManager(
      invocation,
      {
        do: command,
        global: invocation.has('global'),
        timeoutS: numberFlag(command, invocation, 'timeout'),
        ...request,
      },
      { onProgress: facts => line.show(facts) },
    )
    line.clear()
    const bytes = typeof result.bytes === 'number' ? bytesText(result.bytes) : 'done'
    terminal.out(`${command}: ${String(result.path)}: ${bytes}\n`)
    return 0
  } finally {
    line.clear()
  }
}
