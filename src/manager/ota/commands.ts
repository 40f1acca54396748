// SPDX-License-Identifier: Apache-2.0
/** Packages on the command line: `ota pack`, `verify`, `keygen` and `install`; and the preflight and trial run of a new agent. */
export { installLocally } from './local-install.ts'
export {
  type CheckedPackage,
  checkPackage,
  type PackageRules,
  packFolder,
  parsePrivateKey,
  publicKeyText,
  scanPackage,
  type UpdateManifest,
} from './package/commands.ts'
export { SignedMemory } from './signed-memory.ts'
export { aboutBuild, updatePlaces } from './state/index.ts'
export { runPreflight, runTrial } from './trial/commands.ts'
