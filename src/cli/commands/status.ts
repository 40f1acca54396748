// SPDX-License-Identifier: Apache-2.0
import { configDirFlag } from '../config/config-flags.ts'
import { askRunningManager, promptAnswerMs } from '../running-manager/ask-manager.ts'
import { statusLines } from '../running-manager/status-lines.ts'
import type { Command } from '../shell/command.ts'
import { jsonFlag } from '../shell/flags.ts'

export const command: Command = {
  name: 'status',
  summary: 'Show what the running device manager is doing.',
  flags: [configDirFlag, jsonFlag],
  async run(invocation, terminal) {
    const status = await askRunningManager(invocation, { do: 'status' }, { timeoutMs: promptAnswerMs })
    terminal.out(invocation.has(jsonFlag.name) ? `${JSON.stringify(status)}\n` : `${statusLines(status).join('\n')}\n`)
    return 0
  },
}
