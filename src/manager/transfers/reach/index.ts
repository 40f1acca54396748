// SPDX-License-Identifier: Apache-2.0
/** How far file actions reach on this device: what they may read, write and remove, held open from the check on. */
export { ownThings } from './protected-places.ts'
export { type NamedPath, Reach, type ReachFacts } from './reach.ts'
export type { FileSnapshot, FileSource, FolderSource, Source } from './source.ts'
