// SPDX-License-Identifier: Apache-2.0
/** A package: its metadata, who has signed it, whether it fits this device, and how it is unpacked within limits. */
export { type CheckedPackage, checkPackage, type PackageRules, usableKeys } from './check-package.ts'
export { incompatibility } from './compatibility.ts'
export { packageLimits } from './entry-policy.ts'
export { ManifestError, parseManifest, type UpdateManifest } from './manifest.ts'
export type { ReadListing } from './package-listing.ts'
export { packageKind, scriptLogName } from './package-names.ts'
export { PackageRecord, type RecordedPackage, recordOf } from './package-record.ts'
export { packageBytes, type ScannedPackage, scanPackage } from './read-package.ts'
export { parsePublicKey } from './signature.ts'
export { unpackPackage } from './unpack.ts'
export { refusedPackage, UnverifiedPackage, UpdateError } from './update-error.ts'
