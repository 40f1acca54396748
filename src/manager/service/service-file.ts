import type { Addition } from './additions.ts'
import { sysvBootLinks } from './boot-links.ts'
import type { InitSystem } from './init-system.ts'
import { openrcScript } from './openrc-script.ts'
import { procdScript } from './procd-script.ts'
import type { ServicePlan } from './service-plan.ts'
import { systemdUnit, systemdUnitPath } from './systemd-unit.ts'
import { sysvScript, sysvScriptPath } from './sysv-script.ts'

/** What one init system wants: a file, links that start it at boot, and how a person starts it. */
export interface ServiceForm {
  /** On the device. */
  readonly path: string
  readonly mode: number
  text(plan: ServicePlan): string
  bootLinks(root: string): Promise<readonly Extract<Addition, { kind: 'link' }>[]>
  /** What starts it by hand. */
  readonly startCommand: string
  /** Program and arguments that stop it, on the running device. */
  readonly stopCommand: readonly [program: string, ...args: string[]]
  /** Said when there are no links: what to do so that it starts at boot. */
  readonly withoutLinks?: string
  /** Program and arguments that tell the running init system that the file is gone. */
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
    stopCommand: [sysvScriptPath, 'stop'],
    withoutLinks: `nothing on this system runs the scripts of /etc/init.d at boot: add the line "${sysvScriptPath} start" to the script that it runs (mostly /etc/init.d/rcS)`,
  },
  openrc: {
    path: sysvScriptPath,
    mode: 0o755,
    text: openrcScript,
    bootLinks: async () => [link('/etc/runlevels/default/device-cloud', sysvScriptPath)],
    startCommand: 'rc-service device-cloud start',
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
    stopCommand: ['systemctl', 'stop', 'device-cloud.service'],
    changedCommand: ['systemctl', 'daemon-reload'],
  },
}
