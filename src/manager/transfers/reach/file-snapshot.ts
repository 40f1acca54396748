import type { FileFacts } from '../../../platform/files/file-facts.ts'

/** A file of a folder as it was when its upload began. */
export interface FileSnapshot {
  /** In the folder. */
  readonly path: string
  readonly facts: FileFacts
}
