import type { TransferFacts } from '../../../platform/files/held/transfer-facts.ts'

/** A file of a folder as it was when its upload began. */
export interface FileSnapshot {
  /** In the folder. */
  readonly path: string
  readonly facts: TransferFacts
}
