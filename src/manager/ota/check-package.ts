import { Status } from '../../protocol/status.ts'
import { type ManifestRules, manifestName, parseManifest, type UpdateManifest } from './manifest.ts'
import type { FileSums, ScannedPackage } from './read-package.ts'
import { parsePublicKey, signatureName, signerOf } from './signature.ts'
import { badPackage, UpdateError } from './update-error.ts'

/** What the owner of the device wants of a package: `ota.public_keys` and `ota.require_signature`. */
export interface PackageRules {
  readonly publicKeys: readonly string[]
  readonly requireSignature: boolean
}

/** What a package is worth. */
export interface CheckedPackage {
  readonly manifest: UpdateManifest
  readonly rules: ManifestRules
  /** The id of the key; absent when nobody that this device trusts has signed it. */
  readonly signedBy?: string
  /** It has a signature, but the device has no key to check it with. */
  readonly unchecked: boolean
}

/**
 * Checks a package against its own promises and the rules of the owner, before anything of it is on the disk.
 *
 * @throws UpdateError `PACKAGE_INVALID`, `CHECKSUM_MISMATCH`, `POLICY_REFUSED`
 */
export function checkPackage(scanned: ScannedPackage, owner: PackageRules): CheckedPackage {
  const { manifest: bytes, signature, sums } = scanned
  if (bytes === undefined)
    throw new UpdateError('PACKAGE_INVALID', Status.BadParameter, `the package has no ${manifestName} at its root`)
  const { manifest, rules } = parseManifest(new TextDecoder().decode(bytes))
  const signedBy = signature === undefined ? undefined : checkSignature(bytes, signature, rules, owner)
  if (signedBy === undefined && owner.requireSignature) throw refused(whyUnsigned(signature !== undefined))
  if (rules.files !== undefined) checkSums(rules.files, sums)
  return {
    manifest,
    rules,
    unchecked: signature !== undefined && signedBy === undefined,
    ...(signedBy === undefined ? {} : { signedBy }),
  }
}

/** The id of the key. A signature that is there must be right, also where none is required. */
function checkSignature(
  manifest: Buffer,
  signature: Buffer,
  rules: ManifestRules,
  owner: PackageRules,
): string | undefined {
  if (owner.publicKeys.length === 0) return undefined
  const signer = signerOf(manifest, signature.toString('latin1'), owner.publicKeys.map(parsePublicKey))
  if (signer === undefined)
    throw refused('its signature is wrong, or was made with a key that ota.public_keys does not name')
  if (rules.files === undefined)
    throw refused(`its signature covers ${manifestName} only, which has no "files" with the sums of the others`)
  return signer
}

function checkSums(promised: ReadonlyMap<string, string>, sums: FileSums): void {
  for (const [path, sum] of sums) {
    if (path === manifestName || path === signatureName) continue
    const expected = promised.get(path)
    if (expected === undefined) throw badPackage(`"files" in ${manifestName} does not name ${JSON.stringify(path)}`)
    if (expected === sum) continue
    const message = `${JSON.stringify(path)} in the package is not what "files" in ${manifestName} promises`
    throw new UpdateError('CHECKSUM_MISMATCH', Status.IoError, message)
  }
  for (const path of promised.keys())
    if (!sums.has(path)) throw badPackage(`"files" in ${manifestName} names ${JSON.stringify(path)}, which is missing`)
}

function whyUnsigned(hasSignature: boolean): string {
  if (!hasSignature) return 'it is not signed, and ota.require_signature asks for it'
  return 'ota.require_signature asks for a signature, and ota.public_keys names no key to check it with'
}

function refused(why: string): UpdateError {
  return new UpdateError('POLICY_REFUSED', Status.NoPermission, `the package is refused: ${why}`)
}
