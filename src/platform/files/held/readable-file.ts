import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { onFile } from '../on-file.ts'
import { descriptorPath } from './descriptor.ts'
import { type TransferFacts, transferFacts } from './transfer-facts.ts'

/** An open file to read from. */
export interface ReadableFile {
  facts(): Promise<TransferFacts>
  /** Fills `into` from `position` on as far as it goes; resolves with the count, 0 at the end of the file. */
  read(into: Uint8Array, position: number): Promise<number>
  close(): Promise<void>
}

const { O_NONBLOCK, O_RDONLY } = constants

/** @param path how messages call the file */
export function readableFile(path: string, handle: FileHandle): ReadableFile {
  return {
    facts: () => onFile('look at', path, async () => transferFacts(await handle.stat({ bigint: true }))),
    read: (into, position) =>
      onFile('read', path, async () => (await handle.read(into, 0, into.length, position)).bytesRead),
    close: () => handle.close(),
  }
}

/** Opens for reading the very file that a handle holds. The handle stays with its owner. Never waits for the writer of a FIFO. */
export async function openHeldFile(path: string, held: FileHandle): Promise<ReadableFile> {
  return readableFile(path, await onFile('open', path, () => open(descriptorPath(held), O_RDONLY | O_NONBLOCK)))
}
