/** One thing in an archive that may be unpacked: nothing but regular files and folders ever is. */
export interface ArchiveEntry {
  /** As it is written in the archive. */
  readonly path: string
  readonly kind: 'file' | 'folder'
  /** As the archive announces it; the reader holds it to that. */
  readonly bytes: number
  readonly isProgram: boolean
}

/** Takes an entry and reads as much of its content as it likes; what it throws ends the reading. */
export type VisitEntry = (entry: ArchiveEntry, content: AsyncIterable<Uint8Array>) => Promise<void>
