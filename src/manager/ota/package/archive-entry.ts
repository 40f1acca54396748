// SPDX-License-Identifier: Apache-2.0
/** An entry of an archive that may be unpacked: only regular files and folders are. */
export interface ArchiveEntry {
  /** As it is written in the archive. */
  readonly path: string
  readonly kind: 'file' | 'folder'
  /** As the archive announces it; the reader holds it to that. */
  readonly bytes: number
  /** Permission bits as they are written in the archive, at most 0o7777; 0 where there are none. */
  readonly mode: number
}

/** Takes an entry and reads as much of its content as it needs; an error that it throws ends the reading. */
export type VisitEntry = (entry: ArchiveEntry, content: AsyncIterable<Uint8Array>) => Promise<void>

/** Whether a file with this mode can be run by its owner. */
export function isProgram(mode: number): boolean {
  return (mode & 0o100) !== 0
}
