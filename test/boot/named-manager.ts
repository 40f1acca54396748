// SPDX-License-Identifier: Apache-2.0
/** A second manager on an emulated device, as a named user: what an administrator gets with --user, beside the first one. */
import { type RootConfig, rootConfigText } from '../../src/manager/root/root-config.ts'
import { defaultPlan, type ServicePlan } from '../../src/manager/service/service-plan.ts'
import type { EmulatedMachine } from './machine.ts'

const folder = '/data/named'

export const namedPlan: ServicePlan = {
  ...defaultPlan,
  user: 'cloud',
  configDir: `${folder}/etc`,
  stateDir: `${folder}/state`,
  asksRoot: true,
  workDir: '/data/named-root',
}

/** What root may do for it: /etc is read-only, and has a link to it. */
export const rootConfigOnDisk = '/data/root.cfg'

/** Puts there what it needs: the configuration of the first manager under another identity, and what root may do. */
export async function putNamed(machine: EmulatedMachine, publicKey: string): Promise<void> {
  const config: RootConfig = {
    user: namedPlan.user,
    stateDir: namedPlan.stateDir,
    workDir: namedPlan.workDir,
    steps: ['reboot', 'install'],
    publicKeys: [publicKey],
    names: [],
    extraParams: false,
  }
  await machine.run(`mkdir -p ${folder}/etc ${folder}/state && cp /etc/device-cloud/* ${folder}/etc/`)
  await machine.run(
    `echo '{"runtime_dir":"${folder}/state"}' >${folder}/etc/iot.cfg && echo named >${folder}/etc/device_id`,
  )
  await machine.run(`echo '${rootConfigText(config).replaceAll('\n', '')}' >${rootConfigOnDisk}`)
  // Only root may look into the folder of the first one.
  await machine.run(`sed -i s#/etc/device-cloud/#${folder}/etc/# ${folder}/etc/iot-connect.cfg`)
  await machine.run(`chown -R ${namedPlan.user} ${folder}`)
}
