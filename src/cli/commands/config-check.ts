// SPDX-License-Identifier: Apache-2.0
import { checkConfig } from '../config/check-config.ts'
import { targetFlags, targetIn } from '../config/config-io.ts'
import { configIo } from '../config/config-terminal.ts'
import type { Command } from '../shell/command.ts'

export const command: Command = {
  name: 'config check',
  summary: 'Name every mistake in the configuration, with its file, line and remedy.',
  flags: [...targetFlags, { name: 'strict', summary: 'Fail on warnings too.' }],
  run: (invocation, terminal) =>
    checkConfig({ ...targetIn(invocation), strict: invocation.has('strict') }, configIo(terminal)),
}
