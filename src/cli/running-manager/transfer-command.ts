import type { JsonObject } from '../../base/json.ts'
import { configDirFlag } from '../config/config-flags.ts'
import { numberArg } from '../shell/args.ts'
import { bytesText } from '../shell/bytes-text.ts'
import type { Flag, Invocation, Terminal } from '../shell/command.ts'
import { askRunningManager } from './ask-manager.ts'
import { TransferLine } from './transfer-progress.ts'

/** Flags of `upload` and `download`. */
export const transferFlags: readonly Flag[] = [
  { name: 'global', short: 'g', summary: 'Use the store of the whole organisation, not that of this thing.' },
  {
    name: 'timeout',
    value: 'SECONDS',
    summary: 'Give up after so long (default: not while it goes on; without a link after forty minutes).',
  },
  configDirFlag,
]

/** Runs one transfer through the manager: progress on a terminal, one line at the end. */
export async function runTransfer(
  command: string,
  invocation: Invocation,
  terminal: Terminal,
  request: JsonObject,
): Promise<number> {
  const timeout = invocation.value('timeout')
  const line = new TransferLine(terminal)
  try {
    const result = await askRunningManager(
      invocation,
      {
        do: command,
        global: invocation.has('global'),
        timeoutS: timeout === undefined ? undefined : numberArg(command, '--timeout', timeout),
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
