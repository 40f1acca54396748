// SPDX-License-Identifier: Apache-2.0
import { defaultConnectionFile } from '../config/config-flags.ts'
import { configIo } from '../config/config-terminal.ts'
import { connectionFlags } from '../config/connection-flags.ts'
import { generateConfig } from '../config/generate-config.ts'
import type { Command } from '../shell/command.ts'

export const command: Command = {
  name: 'config generate',
  summary: 'Write a connection file. Without flags it asks for the values.',
  description:
    'The file gets mode 0600. Other users of the machine can see a command line: it is safer to give the token in DEVICE_CLOUD_CLOUD_TOKEN, or to type it when asked.',
  flags: [
    { name: 'file', short: 'f', value: 'FILE', summary: `File to write (default ${defaultConnectionFile}).` },
    ...connectionFlags,
    {
      name: 'force',
      summary: 'Overwrite an existing file without asking, and accept a bundle that does not exist (yet).',
    },
  ],
  run: (invocation, terminal) => generateConfig(invocation, configIo(terminal)),
}
