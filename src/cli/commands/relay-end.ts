// SPDX-License-Identifier: Apache-2.0
import { configDirFlag } from '../config/config-flags.ts'
import { askRunningManager, promptAnswerMs } from '../running-manager/ask-manager.ts'
import { operand } from '../shell/args.ts'
import type { Command } from '../shell/command.ts'

export const command: Command = {
  name: 'relay end',
  summary: 'End a session of remote access.',
  description: 'SESSION is an id from "device-cloud status", or "all".',
  flags: [configDirFlag],
  operands: [{ name: 'SESSION' }],
  async run(invocation, terminal) {
    const request = { do: 'relay end', session: operand(invocation, 0) }
    const { ended } = await askRunningManager(invocation, request, { timeoutMs: promptAnswerMs })
    terminal.out(`${String(ended)} ended\n`)
    return 0
  },
}
