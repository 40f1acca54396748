// SPDX-License-Identifier: Apache-2.0
/** A device with Debian's systemd as process 1, and BusyBox for everything else. */
import { mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { systemdUnit } from '../../src/manager/service/systemd-unit.ts'
import { boardScript, type GuestFile, mountedBefore } from './guest-files.ts'
import { namedPlan, rootConfigOnDisk } from './named-manager.ts'
import { putBusybox, putFiles, putPackages, type Userland } from './userland.ts'

const boardUnit = `[Unit]
DefaultDependencies=no
Before=network.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/sbin/board
`

const operatorUnit = `[Unit]
After=board.service
[Service]
ExecStart=/sbin/operator
Environment=TERM=dumb SYSTEMD_PAGER= SYSTEMD_COLORS=no
StandardInput=tty
StandardOutput=tty
TTYPath=/dev/ttyS0
Restart=always
`

const files: Readonly<Record<string, GuestFile>> = {
  '/sbin/board': { text: boardScript, mode: 0o755 },
  '/etc/machine-id': { text: '0123456789abcdef0123456789abcdef\n', mode: 0o444 },
  '/etc/systemd/system.conf': { text: '[Manager]\nShowStatus=no\nLogTarget=journal\n', mode: 0o644 },
  '/etc/systemd/journald.conf': { text: '[Journal]\nStorage=volatile\n', mode: 0o644 },
  '/etc/systemd/system/board.service': { text: boardUnit, mode: 0o644 },
  '/etc/systemd/system/operator.service': { text: operatorUnit, mode: 0o644 },
  '/etc/systemd/system/named.service': { text: systemdUnit(namedPlan), mode: 0o644 },
}

/** What this device has no use for, or what waits for parts of a full Debian. */
const less = ['getty', 'initrd', 'multi-user', 'sysinit', 'timers'].map(name => `${name}.target.wants`)

export const systemdUserland: Userland = {
  beforeInit: mountedBefore,
  async makeTree(parts, tree) {
    await putPackages(parts, ['systemd', 'libstdc++6'], tree)
    const system = join(tree, 'lib/systemd')
    rmSync(join(system, 'system-generators'), { recursive: true })
    for (const name of readdirSync(join(system, 'system')))
      if (less.includes(name)) rmSync(join(system, 'system', name), { recursive: true })
    await putBusybox(parts.debian, tree)
    putFiles(tree, files)
    const own = join(tree, 'etc/systemd/system')
    symlinkSync('/lib/systemd/system/multi-user.target', join(own, 'default.target'))
    mkdirSync(join(own, 'multi-user.target.wants'))
    for (const name of ['board.service', 'operator.service'])
      symlinkSync(`../${name}`, join(own, 'multi-user.target.wants', name))
    symlinkSync(rootConfigOnDisk, join(tree, 'etc/device-cloud-root.cfg'))
    rmSync(join(tree, 'sbin/init'))
    symlinkSync('/lib/systemd/systemd', join(tree, 'sbin/init'))
  },
}
