export type { FileSnapshot } from './file-snapshot.ts'
export { ownThings } from './own-things.ts'
export { type FileSource, type FolderSource, type NamedPath, Reach, type ReachFacts, type Source } from './reach.ts'
