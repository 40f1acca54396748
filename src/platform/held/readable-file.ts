// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { type FileFacts, openFileFacts } from '../files/file-facts.ts'
import { pathBytes } from '../files/name-bytes.ts'
import { onFile } from '../files/on-file.ts'
import { openToRead } from '../files/open-to-read.ts'
import { descriptorPath } from './descriptor.ts'

/** An open file to read from. */
export interface ReadableFile {
  facts(): Promise<FileFacts>
  /** Fills `into` from `position` on as far as it goes; resolves with the count, 0 at the end of the file. */
  read(into: Uint8Array, position: number): Promise<number>
  close(): Promise<void>
}

const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants

/**
 * Opens a file for reading. Never waits, also not for the writer of a FIFO. Root follows no link of another user to what this
 * user may not read.
 *
 * @param shown how messages call the path, where that is not the one by which it is reached
 * @throws AgentError `FILE_NOT_FOUND`, `FILE_ACCESS`
 */
export async function openReadableFile(
  path: string,
  { followLinks, shown = path }: { readonly followLinks: boolean; readonly shown?: string },
): Promise<ReadableFile> {
  const flags = O_RDONLY | O_NONBLOCK | O_NOFOLLOW
  const start = () => (followLinks ? openToRead(path) : open(pathBytes(path), flags))
  return readableFile(shown, await onFile('open', shown, start))
}

/** Opens for reading the very file that a handle holds. The handle stays with its owner. Never waits for the writer of a FIFO. */
export async function openHeldFile(path: string, held: FileHandle): Promise<ReadableFile> {
  return readableFile(path, await onFile('open', path, () => open(descriptorPath(held), O_RDONLY | O_NONBLOCK)))
}

/** @param path how messages call the file */
function readableFile(path: string, handle: FileHandle): ReadableFile {
  return {
    facts: () => onFile('look at', path, () => openFileFacts(handle)),
    read: (into, position) =>
      onFile('read', path, async () => (await handle.read(into, 0, into.length, position)).bytesRead),
    close: () => handle.close(),
  }
}
