// SPDX-License-Identifier: Apache-2.0
import type { Closure } from '../../config/closure.ts'
import type { ClientConfig } from '../../config/load.ts'
import { closedByOwnership, ownershipProblem, problemOf } from '../../config/ownership.ts'
import { isBelow } from '../../platform/files/contained-path.ts'
import { type OwnIdentity, ownIdentity } from '../../platform/owners/own-identity.ts'
import { updatePlaces, weakUpdatePlaces } from '../ota/index.ts'
import type { OwnConfig } from './manager-config.ts'

/**
 * The capabilities that are closed because another user of this machine could have written the files that decide about them.
 * For the configuration this is all that it names and that would run or be read as the agent's user; for the runtime folder,
 * only updates.
 */
export async function ownershipClosures(parts: {
  readonly configDir: string
  readonly connection: Pick<ClientConfig, 'path' | 'opened' | 'settings'>
  readonly own: Pick<OwnConfig, 'file'>
  readonly runtimeDir: string
  /** The user that runs the manager, where that is not the user of this process. */
  readonly self?: OwnIdentity | undefined
}): Promise<readonly Closure[]> {
  const { configDir, connection, own, runtimeDir } = parts
  const self = parts.self ?? (await ownIdentity())
  const { caBundleFile } = connection.settings
  const problem = await ownershipProblem({ configDir, connection, manager: own.file, caBundleFile, self })
  const spots = await weakUpdatePlaces(updatePlaces(runtimeDir), self)
  // A weak folder above both is reported with the configuration.
  const below = problem === undefined ? spots : spots.filter(({ path }) => isBelow(runtimeDir, path))
  const weak = problemOf(runtimeDir, below, self)
  return [
    ...(problem === undefined ? [] : closedByOwnership.map(capability => ({ capability, problem }))),
    ...(weak === undefined ? [] : [{ capability: 'ota', problem: weak } as const]),
  ]
}
