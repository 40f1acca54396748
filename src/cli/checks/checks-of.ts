// SPDX-License-Identifier: Apache-2.0
import { systemClock } from '../../base/clock.ts'
import { Log } from '../../base/log.ts'
import { processSecrets } from '../../base/secrets.ts'
import { loadClientConfig } from '../../config/load.ts'
import { loadManagerConfig } from '../../config/manager-config.ts'
import type { Environment } from '../../platform/process/process-facts.ts'
import type { ConfigPlace } from '../config/config-flags.ts'
import { managerOf } from '../running-manager/manager-view.ts'
import { cloudChecks } from './cloud-checks.ts'
import { diskCheck } from './disk-check.ts'
import { CheckedIdentity, type IdentityMode } from './identity-check.ts'
import { networkChecks } from './network-checks.ts'
import type { Check } from './run-checks.ts'
import { systemCheck } from './system-check.ts'

/** The configuration whose way to the cloud is checked. */
export interface CheckTarget extends ConfigPlace {
  readonly environment: Environment
  readonly identity: IdentityMode
}

/** The checks for one configuration, in their order. Throws `CONFIG_INVALID`. */
export async function checksOf({ identity: mode, ...target }: CheckTarget): Promise<readonly Check[]> {
  const { configDir, environment } = target
  const { settings } = await loadClientConfig(target)
  processSecrets.add(settings.cloud.token)
  processSecrets.add(settings.proxy?.password)
  const manager = await loadManagerConfig({ configDir, environment })
  const identity = new CheckedIdentity(target, mode)
  // The checks report what the connection would log.
  const log = Log.create({ clock: systemClock, sink: () => {}, level: 'error' })
  const parts = { settings, clock: systemClock, log }
  const { runtimeDir } = manager.settings
  const cloud = cloudChecks({ ...parts, identity, manager: managerOf(runtimeDir) })
  return [systemCheck(), identity.check, ...networkChecks(parts), ...cloud, diskCheck(runtimeDir)]
}
