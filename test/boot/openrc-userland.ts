// SPDX-License-Identifier: Apache-2.0
/** A device with OpenRC, started by the init of BusyBox as on Alpine. */
import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { openrcScript } from '../../src/manager/service/openrc-script.ts'
import { boardScript, type GuestFile, mountedBefore } from './guest-files.ts'
import { namedPlan, rootConfigOnDisk } from './named-manager.ts'
import { putBusybox, putFiles, putPackages, type Userland } from './userland.ts'

const inittab = `::sysinit:/sbin/openrc sysinit
::sysinit:/sbin/openrc boot
::wait:/sbin/openrc default
::respawn:/sbin/operator
::shutdown:/sbin/openrc shutdown
`

/** Mounts and network are there before: the first root and this service see to them. The log must not go to the terminal. */
const board = `#!/sbin/openrc-run
description="Network of this device"
depend() {
  provide net localmount logger
}
start() {
  ebegin "Starting the network"
  /sbin/board && syslogd -O /run/messages
  eend $?
}
`

const pam = ['auth', 'account', 'session'].map(kind => `${kind} required pam_permit.so\n`).join('')

/** A second service beside the first one. */
const named = openrcScript(namedPlan).replaceAll(/(init\.d|conf\.d|run)\/device-cloud/g, '$1/named')

const files: Readonly<Record<string, GuestFile>> = {
  '/etc/inittab': { text: inittab, mode: 0o644 },
  '/etc/fstab': { text: '', mode: 0o644 },
  // Debian's OpenRC looks for it, and asks PAM before it starts a program.
  '/etc/insserv.conf': { text: '', mode: 0o644 },
  '/etc/pam.d/supervise-daemon': { text: pam, mode: 0o644 },
  '/etc/pam.d/other': { text: pam, mode: 0o644 },
  '/sbin/board': { text: boardScript, mode: 0o755 },
  '/etc/init.d/board': { text: board, mode: 0o755 },
  '/etc/init.d/named': { text: named, mode: 0o755 },
}

export const openrcUserland: Userland = {
  beforeInit: mountedBefore,
  async makeTree(parts, tree) {
    await putPackages(parts, ['openrc', 'libpam-modules', 'libstdc++6'], tree)
    await putBusybox(parts.debian, tree)
    putFiles(tree, files)
    symlinkSync(rootConfigOnDisk, join(tree, 'etc/device-cloud-root.cfg'))
    const levels = join(tree, 'etc/runlevels')
    for (const level of ['sysinit', 'boot', 'default', 'shutdown']) mkdirSync(join(levels, level), { recursive: true })
    symlinkSync('/etc/init.d/board', join(levels, 'boot/board'))
  },
}
