// SPDX-License-Identifier: Apache-2.0
import { targetFlags, targetIn } from '../config/config-io.ts'
import { configIo } from '../config/config-terminal.ts'
import { showConfig } from '../config/show-config.ts'
import type { Command } from '../shell/command.ts'

export const command: Command = {
  name: 'config show',
  summary: 'Print the effective settings and where each comes from, with secrets hidden.',
  flags: targetFlags,
  run: (invocation, terminal) => showConfig(targetIn(invocation), configIo(terminal)),
}
