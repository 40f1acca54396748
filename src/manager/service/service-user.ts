import { type OwnIdentity, ownIdentity } from '../../platform/owners/own-identity.ts'
import { userId } from '../../platform/process/process-facts.ts'
import { readRootConfig, rootConfigPath, trustedRootConfig } from '../root/index.ts'
import { findAccount } from './accounts.ts'

/** The user who runs the manager of this device, other than root. */
export interface ServiceUser {
  readonly name: string
  readonly identity: OwnIdentity
}

/**
 * For root, who looks at a device on which `service install --user` has been: for whom the configuration and state must be
 * safe. Judged as root's, they would all be a stranger's, and given to root the manager could not read them any more.
 *
 * @param runtimeDir of the configuration that is looked at: only the one of the service is meant
 * @returns undefined where root runs the manager itself, and where root's settings are not to be believed
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
    // What is wrong with those settings is told where they decide.
    return undefined
  }
}
