// SPDX-License-Identifier: Apache-2.0
import { Status } from '../../../protocol/status.ts'
import { type ManifestRules, parseManifest, type UpdateManifest } from './manifest.ts'
import { manifestName, signatureName } from './package-names.ts'
import type { FileSums, ScannedPackage } from './read-package.ts'
import { namedSigners, type PublicKey, parsePublicKey, signersOf } from './signature.ts'
import { badPackage, refusedPackage, UpdateError } from './update-error.ts'

/** The owner's rules for packages: the settings `ota.*`. */
export interface PackageRules {
  readonly publicKeys: readonly string[]
  readonly requireSignature: boolean
  /** Names that signed packages may have; empty: those that were installed, and any for the first one. */
  readonly names?: readonly string[]
}

/** A package and the result of its checks. */
export interface CheckedPackage {
  readonly manifest: UpdateManifest
  readonly rules: ManifestRules
  /** Ids of the keys whose signatures are right; empty when no key that this device trusts has signed it. */
  readonly signers: readonly string[]
  /** What the signatures of {@link signers} cover. */
  readonly covers: 'all' | 'manifest' | 'nothing'
  /** It has a signature, but the device has no key to check it with. */
  readonly unchecked: boolean
}

/**
 * Checks a package against its own promises and the keys of the owner, before anything of it is on the disk.
 *
 * @param revoked ids of keys that packages have revoked
 * @throws UpdateError `PACKAGE_INVALID`, `CHECKSUM_MISMATCH`, `POLICY_REFUSED`
 */
export function checkPackage(
  scanned: ScannedPackage,
  owner: PackageRules,
  revoked: readonly string[] = [],
): CheckedPackage {
  const { manifest: bytes, signature, sums } = scanned
  if (bytes === undefined)
    throw new UpdateError('PACKAGE_INVALID', Status.BadParameter, `The package has no ${manifestName} at its root.`)
  const { manifest, rules } = parseManifest(new TextDecoder().decode(bytes))
  const { signers, covers } = checkSignature(scanned, owner, revoked, rules)
  if (rules.files !== undefined) checkSums(rules.files, sums)
  const unchecked = signature !== undefined && signers.length === 0
  return { manifest, rules, signers, covers, unchecked }
}

/** The keys of the owner that no package has revoked. Throws `POLICY_REFUSED` for one that cannot be read. */
export function usableKeys(owner: PackageRules, revoked: readonly string[]): readonly PublicKey[] {
  return owner.publicKeys.map(parsePublicKey).filter(({ id }) => !revoked.includes(id))
}

type Signed = Pick<CheckedPackage, 'signers' | 'covers'>

const unsigned: Signed = { signers: [], covers: 'nothing' }

/** Who has signed it. A signature that is there must be right, also where none is required. */
function checkSignature(
  scanned: ScannedPackage,
  owner: PackageRules,
  revoked: readonly string[],
  rules: ManifestRules,
): Signed {
  const { publicKeys, requireSignature } = owner
  const { signature, manifest = Buffer.alloc(0), listing } = scanned
  if (signature === undefined || publicKeys.length === 0) {
    if (requireSignature) throw refusedPackage(whyUnsigned(signature !== undefined))
    return unsigned
  }
  const text = signature.toString('latin1')
  const signed = { manifest, listing }
  const keys = usableKeys(owner, revoked)
  const { whole, manifest: first, wrong } = signersOf(text, signed, keys)
  if (whole.length > 0) {
    if (requireSignature && scanned.hasMore) throw refusedPackage('something lies behind the end of the archive')
    return { signers: whole, covers: 'all' }
  }
  if (wrong.length > 0 || first.length === 0) throw refusedPackage(whyWrong(text, wrong, revoked, keys))
  if (requireSignature) throw refusedPackage(firstFormOnly)
  if (rules.files === undefined)
    throw refusedPackage(`its signature covers ${manifestName} only, which has no "files" with the sums of the others`)
  return { signers: first, covers: 'manifest' }
}

const firstFormOnly =
  `its signature is of the first form alone, which leaves modes, empty folders and the order of entries to anybody, and ` +
  `ota.require_signature asks for one of the second form: pack it again with "device-cloud ota pack" of this release`

function checkSums(promised: ReadonlyMap<string, string>, sums: FileSums): void {
  for (const [path, sum] of sums) {
    if (path === manifestName || path === signatureName) continue
    const expected = promised.get(path)
    if (expected === undefined) throw badPackage(`"files" in ${manifestName} does not name ${JSON.stringify(path)}.`)
    if (expected === sum) continue
    const message = `${JSON.stringify(path)} in the package is not what "files" in ${manifestName} promises`
    throw new UpdateError('CHECKSUM_MISMATCH', Status.IoError, message)
  }
  for (const path of promised.keys())
    if (!sums.has(path)) throw badPackage(`"files" in ${manifestName} names ${JSON.stringify(path)}, which is missing.`)
}

function whyUnsigned(hasSignature: boolean): string {
  if (!hasSignature) return 'it is not signed, and ota.require_signature asks for it'
  return 'ota.require_signature asks for a signature, and ota.public_keys names no key to check it with'
}

function whyWrong(
  text: string,
  wrong: readonly string[],
  revoked: readonly string[],
  keys: readonly PublicKey[],
): string {
  const named = namedSigners(text)
  const unfit = wrong[0] ?? keys.find(({ id }) => named.has(id))?.id
  if (unfit !== undefined)
    return `its signature by key ${unfit} does not fit what is in it: it was changed after it was signed, or has the signature of another one`
  const gone = revoked.find(id => named.has(id))
  if (gone !== undefined) return `it is signed with key ${gone}, which a signed package has revoked on this device`
  if (named.size === 0) return `${signatureName} holds no signature in a form that this device knows`
  return `it is signed with key ${shown([...named])}, and ota.public_keys names ${shown(keys.map(({ id }) => id)) || 'none that is not revoked'}`
}

const maxShown = 4

function shown(ids: readonly string[]): string {
  return `${ids.slice(0, maxShown).join(', ')}${ids.length > maxShown ? ' and others' : ''}`
}
