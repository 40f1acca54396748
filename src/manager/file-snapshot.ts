/** A file as it was when its upload began. */
export interface FileSnapshot {
  readonly path: string
  readonly bytes: number
  readonly modifiedNs: bigint
}
