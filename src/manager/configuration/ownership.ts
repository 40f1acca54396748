import type { Closure } from '../../config/closure.ts'
import type { ClientConfig } from '../../config/load.ts'
import { closedByOwnership, ownershipProblem, problemOf } from '../../config/ownership.ts'
import { isBelow } from '../../platform/files/contained-path.ts'
import { type OwnIdentity, ownIdentity } from '../../platform/owners/own-identity.ts'
import { updatePlaces, weakUpdatePlaces } from '../ota/index.ts'
import type { OwnConfig } from './manager-config.ts'

/**
 * The closures because another user of this machine could have written a file: a weak configuration closes everything that it
 * names and that would run or be read as the agent's user; a weak runtime folder closes updates alone.
 */
export async function ownershipClosures(parts: {
  readonly configDir: string
  readonly connection: Pick<ClientConfig, 'path' | 'opened' | 'settings'>
  readonly own: Pick<OwnConfig, 'file'>
  readonly runtimeDir: string
  /** The identity of the manager, where that is not the user of this process. */
  readonly self?: OwnIdentity
}): Promise<readonly Closure[]> {
  const { configDir, connection, own, runtimeDir } = parts
  const self = parts.self ?? (await ownIdentity())
  const { caBundleFile } = connection.settings
  const problem = await ownershipProblem({ configDir, connection, manager: own.file, caBundleFile, self })
  const spots = await weakUpdatePlaces(updatePlaces(runtimeDir), self)
  // A weak folder above both is reported with the configuration.
  const shown = problem === undefined ? spots : spots.filter(({ path }) => isBelow(runtimeDir, path))
  const weak = problemOf(runtimeDir, shown, self)
  return [
    ...(problem === undefined ? [] : closedByOwnership.map(capability => ({ capability, problem }))),
    ...(weak === undefined ? [] : [{ capability: 'ota', problem: weak } as const]),
  ]
}
