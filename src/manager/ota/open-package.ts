import { dirname } from 'node:path'
import type { Log } from '../../base/log.ts'
import type { DeviceFacts } from '../../platform/device-facts.ts'
import { Status } from '../../protocol/status.ts'
import type { AgentSlot } from './agent-slot.ts'
import { type CheckedPackage, checkPackage, type PackageRules } from './check-package.ts'
import { incompatibility } from './compatibility.ts'
import type { InstalledReleases } from './installed-releases.ts'
import { ManifestError, type UpdateManifest } from './manifest.ts'
import { type ScannedPackage, scanPackage } from './read-package.ts'
import { unpackPackage } from './unpack.ts'
import { UpdateError } from './update-error.ts'

export interface OpenParts {
  readonly owner: PackageRules
  readonly releases: InstalledReleases
  readonly facts: () => Promise<DeviceFacts>
  /** Where a new executable of the agent would go; undefined where it cannot be replaced. */
  readonly slot: AgentSlot | undefined
  readonly log: Log
  readonly signal: AbortSignal
}

/**
 * Reads what a package wants done, and unpacks it into `folder`. Whatever speaks against it is found before that.
 *
 * @throws UpdateError, AgentError
 */
export async function openPackage(path: string, folder: string, parts: OpenParts): Promise<UpdateManifest> {
  const { owner, log, signal } = parts
  const scanned = await scanPackage(path, signal)
  const checked = checkPackage(scanned, owner)
  const { manifest, signedBy, unchecked } = checked
  if (unchecked) log.warn('the signature of the package is not checked: ota.public_keys names no key')
  await checkDevice(checked, parts)
  await checkRelease(checked, parts.releases)
  if (manifest.agent !== undefined) await checkAgent(manifest.agent, scanned, folder, parts.slot)
  await unpackPackage(path, folder, scanned, signal)
  log.info('package unpacked', { name: manifest.name, version: manifest.version, signedBy })
  return manifest
}

/** Whether the agent can be replaced at all, said before anything is touched. */
async function checkAgent(
  path: string,
  { bytes, size }: ScannedPackage,
  folder: string,
  slot: AgentSlot | undefined,
): Promise<void> {
  const agentBytes = bytes.get(path)
  if (agentBytes === undefined)
    throw new ManifestError(`"agent" names ${JSON.stringify(path)}, which is not in the package`)
  if (slot === undefined) {
    const message =
      'the package replaces the agent: that needs the single-file executable, a device manager that runs as root, and the cloud; else copy the new executable there as root and restart the service'
    throw new UpdateError('NOT_SUPPORTED', Status.NotSupported, message)
  }
  await slot.checkRoom(agentBytes, size.bytes, dirname(folder))
}

/** Packages from the time when nobody looked carry all kinds of rules: only a signed one is held to them. */
async function checkDevice({ rules, signedBy }: CheckedPackage, { facts, log }: OpenParts): Promise<void> {
  if (rules.compatibility.size === 0) return
  const why = incompatibility(rules.compatibility, await facts())
  if (why === undefined) return
  if (signedBy !== undefined) throw new UpdateError('NOT_SUPPORTED', Status.NotSupported, why)
  log.warn('the compatibility of an unsigned package does not fit this device; it is installed all the same', { why })
}

async function checkRelease({ manifest }: CheckedPackage, releases: InstalledReleases): Promise<void> {
  const { name = '', release } = manifest
  const installed = await releases.of(name)
  if (installed === undefined || (release !== undefined && release >= installed)) return
  const own = release === undefined ? 'has no release' : `is release ${release}`
  const message = `the package is refused as older than what is installed: it ${own}, and release ${installed} of ${JSON.stringify(name)} is installed`
  throw new UpdateError('POLICY_REFUSED', Status.NoPermission, message)
}
