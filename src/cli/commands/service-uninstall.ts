// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path'
import { systemClock } from '../../base/clock.ts'
import { uninstallService } from '../../manager/service/commands.ts'
import type { Command } from '../shell/command.ts'

export const command: Command = {
  name: 'service uninstall',
  summary: 'Stop the service, and remove only what "service install" added.',
  description: 'Files that were changed since then and folders that are not empty are kept and listed.',
  flags: [{ name: 'root', value: 'DIR', summary: 'Folder that holds the files of the device (default /).' }],
  async run(invocation, terminal) {
    const root = resolve(invocation.value('root') ?? '/')
    const { removed, left } = await uninstallService({ root, clock: systemClock })
    for (const path of removed) terminal.out(`Removed ${path}\n`)
    for (const one of left) terminal.out(`Left ${one}\n`)
    if (removed.length === 0) terminal.out(`No service of device-cloud is installed under ${root}.\n`)
    return 0
  },
}
