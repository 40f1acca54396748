// SPDX-License-Identifier: Apache-2.0
import { type OwnIdentity, ownIdentity } from '../../platform/owners/own-identity.ts'
import { userId } from '../../platform/process/process-facts.ts'
import { readRootConfig, rootConfigPath, trustedRootConfig } from '../root/index.ts'
import { findAccount } from './accounts.ts'

/** The user that the manager of this device runs as, other than root. */
export interface ServiceUser {
  readonly name: string
  readonly identity: OwnIdentity
}

/**
 * For root on a device with a `service install --user`: the user for whom the configuration and state must be safe. Checked as
 * root's files, all of them would belong to a stranger, and given to root the manager could not read them any more.
 *
 * @param runtimeDir of the configuration that is checked: only that of the service counts
 * @returns undefined where root runs the manager itself, and where root's settings cannot be trusted
 */
export async function serviceUser(
  runtimeDir: string,
  { self = userId(), configPath = rootConfigPath }: { readonly self?: number; readonly configPath?: string } = {},
): Promise<ServiceUser | undefined> {
  if (self !== 0) return undefined
  try {
    if ((await readRootConfig(configPath))?.stateDir !== runtimeDir) return undefined
    const { user: name } = await trustedRootConfig(configPath)
    const account = await findAccount('/', name)
    return { name, identity: { ...(await ownIdentity()), ...account } }
  } catch {
    // A mistake in those settings is reported where they decide.
    return undefined
  }
}
