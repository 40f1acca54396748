import type { Addition } from './additions.ts'
import { sysvBootLinks } from './boot-links.ts'
import type { InitSystem } from './init-system.ts'
import type { ServicePlan } from './service-plan.ts'
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
  readonly withoutLinks: string
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
}
