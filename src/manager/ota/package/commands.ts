// SPDX-License-Identifier: Apache-2.0
/** Packages as their makers need them. */
export { type CheckedPackage, checkPackage, type PackageRules } from './check-package.ts'
export type { UpdateManifest } from './manifest.ts'
export { packFolder } from './pack.ts'
export { scanPackage } from './read-package.ts'
export { parsePrivateKey, publicKeyText } from './signature.ts'
