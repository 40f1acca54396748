// SPDX-License-Identifier: Apache-2.0
/**
 * Writes the service files in share/service/, which are those that `service install` writes by default: `npm run
 * service-examples`. A test fails when they differ.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type InitSystem, initSystems } from '../../src/manager/service/init-system.ts'
import { serviceForms } from '../../src/manager/service/service-file.ts'
import { defaultPlan } from '../../src/manager/service/service-plan.ts'
import { runAsProgram } from '../build-error.ts'
import { root } from '../places.ts'

const names: Readonly<Record<InitSystem, string>> = {
  sysv: 'device-cloud.init',
  openrc: 'device-cloud.openrc',
  procd: 'device-cloud.procd',
  systemd: 'device-cloud.service',
}

export interface ServiceExample {
  /** Relative to the checkout. */
  readonly path: string
  readonly mode: number
  readonly text: string
}

export function serviceExamples(): readonly ServiceExample[] {
  return initSystems.map(init => {
    const { mode, text } = serviceForms[init]
    return { path: `share/service/${names[init]}`, mode, text: text(defaultPlan) }
  })
}

if (process.argv[1] === import.meta.filename)
  await runAsProgram(async () => {
    for (const { path, mode, text } of serviceExamples()) await writeFile(join(root, path), text, { mode })
  })
