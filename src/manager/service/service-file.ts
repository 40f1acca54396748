// SPDX-License-Identifier: Apache-2.0
import type { Addition } from './additions.ts'
import { sysvBootLinks } from './boot-links.ts'
import type { InitSystem } from './init-system.ts'
import { openrcScript } from './openrc-script.ts'
import { procdScript } from './procd-script.ts'
import type { ServicePlan } from './service-plan.ts'
import { systemdUnit, systemdUnitPath } from './systemd-unit.ts'
import { sysvScript, sysvScriptPath } from './sysv-script.ts'

/** The service under one init system: its file, the links that start it at boot, and how a person starts it. */
export interface ServiceForm {
  /** On the device. */
  readonly path: string
  readonly mode: number
  text(plan: ServicePlan): string
  bootLinks(root: string): Promise<readonly Extract<Addition, { kind: 'link' }>[]>
  /** The command that starts it, and the one that restarts it with a new file. */
  readonly startCommand: string
  readonly restartCommand: string
  /** Program and arguments that show whether it runs, on the running device, and how to read their output. */
  readonly statusCommand: readonly [program: string, ...args: string[]]
  isRunning(exitCode: number | undefined, said: string): boolean
  /** Program and arguments that stop it, on the running device. */
  readonly stopCommand: readonly [program: string, ...args: string[]]
  /** The remedy where there are no links: what to do so that it starts at boot. */
  readonly withoutLinks?: string
  /** Program and arguments by which the running init system learns that the file is gone. */
  readonly changedCommand?: readonly [program: string, ...args: string[]]
}

function link(path: string, leadsTo: string): Extract<Addition, { kind: 'link' }> {
  return { kind: 'link', path, leadsTo }
}

export const serviceForms: Readonly<Record<InitSystem, ServiceForm>> = {
  sysv: {
    path: sysvScriptPath,
    mode: 0o755,
    text: sysvScript,
    bootLinks: sysvBootLinks,
    startCommand: `${sysvScriptPath} start`,
    restartCommand: `${sysvScriptPath} restart`,
    statusCommand: [sysvScriptPath, 'status'],
    // 1: it was not stopped, and has crashed once or keeps crashing.
    isRunning: exitCode => exitCode === 0 || exitCode === 1,
    stopCommand: [sysvScriptPath, 'stop'],
    withoutLinks: `nothing on this system runs the scripts of /etc/init.d at boot: add the line "${sysvScriptPath} start" to the script that it runs (mostly /etc/init.d/rcS)`,
  },
  openrc: {
    path: sysvScriptPath,
    mode: 0o755,
    text: openrcScript,
    bootLinks: async () => [link('/etc/runlevels/default/device-cloud', sysvScriptPath)],
    startCommand: 'rc-service device-cloud start',
    restartCommand: 'rc-service device-cloud restart',
    statusCommand: [sysvScriptPath, 'status'],
    isRunning: exitCode => exitCode === 0,
    stopCommand: [sysvScriptPath, 'stop'],
  },
  procd: {
    path: sysvScriptPath,
    mode: 0o755,
    text: procdScript,
    bootLinks: async () => [
      link('/etc/rc.d/S90device-cloud', '../init.d/device-cloud'),
      link('/etc/rc.d/K10device-cloud', '../init.d/device-cloud'),
    ],
    startCommand: `${sysvScriptPath} start`,
    restartCommand: `${sysvScriptPath} restart`,
    statusCommand: [sysvScriptPath, 'status'],
    isRunning: exitCode => exitCode === 0,
    stopCommand: [sysvScriptPath, 'stop'],
  },
  systemd: {
    path: systemdUnitPath,
    mode: 0o644,
    text: systemdUnit,
    bootLinks: async () => [
      link('/etc/systemd/system/multi-user.target.wants/device-cloud.service', '../device-cloud.service'),
    ],
    startCommand: 'systemctl daemon-reload && systemctl start device-cloud',
    restartCommand: 'systemctl daemon-reload && systemctl restart device-cloud',
    statusCommand: ['systemctl', 'is-active', 'device-cloud.service'],
    // Between two tries after a crash it is activating, and the exit code is that of one which is stopped.
    isRunning: (_, said) => /^(?:active|activating|reloading)\b/.test(said),
    stopCommand: ['systemctl', 'stop', 'device-cloud.service'],
    changedCommand: ['systemctl', 'daemon-reload'],
  },
}
