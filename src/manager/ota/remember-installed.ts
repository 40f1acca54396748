import { InstalledReleases } from './installed-releases.ts'
import type { UpdateManifest } from './package/index.ts'
import { SignedMemory } from './signed-memory.ts'
import type { UpdatePlaces } from './state/index.ts'

/**
 * Writes down what an installed package leaves for good: the keys that it revokes, that its name is one of a signed package,
 * and its release. On flash when it resolves; doing it again changes nothing.
 *
 * @throws UpdateError `POLICY_REFUSED`, AgentError of the file system
 */
export async function rememberInstalled(manifest: UpdateManifest, places: UpdatePlaces): Promise<void> {
  const { name, release, signedBy, revokes = [] } = manifest
  if (signedBy !== undefined) await new SignedMemory(places.signed).remember(name, revokes)
  if (release !== undefined) await new InstalledReleases(places.releases).remember(name ?? '', release)
}
