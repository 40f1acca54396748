// SPDX-License-Identifier: Apache-2.0
import { InstalledReleases } from './installed-releases.ts'
import {
  type CheckedPackage,
  type PackageRules,
  refusedPackage,
  type UpdateManifest,
  usableKeys,
} from './package/index.ts'
import { SignedMemory, type SignedState } from './signed-memory.ts'
import type { UpdatePlaces } from './state/index.ts'

export interface AdmissionParts {
  readonly owner: PackageRules
  readonly releases: InstalledReleases
  readonly signed: SignedMemory
  /** The id of this device; undefined while it has none. */
  readonly deviceId: () => Promise<string | undefined>
}

/**
 * Whether this device may take a package with checked signatures: it must be meant for the device, be new enough, have a name that
 * the owner expects, and leave a usable key.
 *
 * @returns its manifest, with its signer and the keys that it revokes
 * @throws UpdateError `POLICY_REFUSED` with the rule and the setting or file that decides
 */
export async function admitPackage(checked: CheckedPackage, parts: AdmissionParts): Promise<UpdateManifest> {
  const { owner, releases, signed } = parts
  await checkDevice(checked, parts.deviceId)
  if (owner.requireSignature) await checkName(checked, owner, await signed.read())
  await checkRelease(checked, releases)
  const { manifest, signers } = checked
  const [signedBy] = signers
  if (signedBy === undefined) return manifest
  const revokes = await checkRevocations(checked, owner, signed)
  return { ...manifest, signedBy, ...(revokes.length === 0 ? {} : { revokes }) }
}

async function checkDevice({ rules }: CheckedPackage, deviceId: () => Promise<string | undefined>): Promise<void> {
  if (rules.devices === undefined) return
  const own = await deviceId()
  if (own !== undefined && rules.devices.includes(own)) return
  const is = own === undefined ? 'this device has no id yet' : `this device is ${own}`
  throw refusedPackage(`"devices" in it names the devices that it is meant for (${rules.devices.length}), and ${is}`)
}

/** Else an old package of another name, signed with the same key, would pass as one that was never installed. */
async function checkName(
  { manifest }: CheckedPackage,
  { names = [] }: PackageRules,
  state: SignedState,
): Promise<void> {
  const { name, release } = manifest
  if (name === undefined || release === undefined) {
    const missing = name === undefined ? '"name"' : '"release"'
    throw refusedPackage(
      `it has no ${missing}, and with ota.require_signature each package needs both, so that an older one can be recognized`,
    )
  }
  if (names.includes(name) || state.names.includes(name)) return
  if (names.length === 0 && state.names.length === 0) return
  const quoted = JSON.stringify(name)
  const why =
    names.length > 0
      ? `ota.names does not list its name ${quoted}`
      : `its name is ${quoted}, and signed packages of this device were ${listed(state.names)} so far`
  throw refusedPackage(`${why}; to take it, add the name to ota.names`)
}

async function checkRelease({ manifest }: CheckedPackage, releases: InstalledReleases): Promise<void> {
  const { name = '', release } = manifest
  const installed = await releases.of(name)
  if (installed !== undefined && (release === undefined || release < installed)) {
    const own = release === undefined ? 'has no release' : `is release ${release}`
    throw refusedPackage(
      `it is older than what is installed: it ${own}, and release ${installed} of ${JSON.stringify(name)} is installed`,
    )
  }
  if (release !== undefined && !(await releases.fits(name, release)))
    throw refusedPackage('releases.json of this device is full, and forgetting a name would open it to older packages')
}

/** A key is revoked only with the signature of one that stays: so a key that its owner still has is left, and no device is locked out. */
async function checkRevocations(
  { manifest, rules, signers }: CheckedPackage,
  owner: PackageRules,
  signed: SignedMemory,
): Promise<readonly string[]> {
  const { revokes } = rules
  if (!(await signed.fits(manifest.name, revokes)))
    throw refusedPackage('signed.json of this device is full of names and revoked keys')
  if (revokes.length === 0) return revokes
  const { revoked } = await signed.read()
  if (usableKeys(owner, [...revoked, ...revokes]).length === 0)
    throw refusedPackage('"revokes" in it takes the last usable key of ota.public_keys: add another one first')
  if (signers.some(id => !revokes.includes(id))) return revokes
  throw refusedPackage('"revokes" in it takes every key that has signed it: a key that stays must sign it as well')
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 3).map(name => JSON.stringify(name))
  return names.length > shown.length ? `${shown.join(', ')} and others` : shown.join(', ')
}

/**
 * Records what an installed package leaves for good: the keys that it revokes, its name if it is signed, and its release. On
 * flash when it resolves; a second call changes nothing.
 *
 * @throws UpdateError `POLICY_REFUSED`, AgentError of the file system
 */
export async function rememberInstalled(manifest: UpdateManifest, places: UpdatePlaces): Promise<void> {
  const { name, release, signedBy, revokes = [] } = manifest
  if (signedBy !== undefined) await new SignedMemory(places.signed).remember(name, revokes)
  if (release !== undefined) await new InstalledReleases(places.releases).remember(name ?? '', release)
}
