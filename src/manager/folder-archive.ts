import { join } from 'node:path'
import { AgentError } from '../base/errors.ts'
import { throwIfAborted } from '../base/wait.ts'
import { type FolderEntry, listFolder } from '../platform/folders.ts'
import { readLink } from '../platform/read-link.ts'
import { spaceAt } from '../platform/space.ts'
import { type PrivateFile, type TransferFiles, transferFiles } from '../platform/transfer-files.ts'
import type { FileSnapshot } from './file-snapshot.ts'

/** A folder that was packed into a temporary file. */
export interface ArchivedFolder {
  /** The archive. */
  readonly path: string
  readonly bytes: number
  /** The regular files in it, as they were when they were read. */
  readonly files: readonly FileSnapshot[]
  /** Removes the archive. */
  discard(): Promise<void>
}

const chunkBytes = 256 * 1024
const limits = { maxEntries: 50_000, maxDepth: 64 }
/** Room that is left on the file system for everybody else. */
const reserveBytes = 1024 * 1024
const temporaryPrefix = '.upload-'
const temporarySuffix = '.tar'
const temporaryName = /(?:^|\/)\.upload-[0-9a-f]{16}\.tar$/

/**
 * Packs everything in `folder` into a tar file that nobody else can read, in `temporaryFolder`: never in the folder
 * itself, where it would pack itself [M4]. Links are packed as links; sockets, pipes and devices are left out.
 *
 * @throws AgentError `DISK_FULL`, `FILE_ACCESS`, `LIMIT_EXCEEDED` (entries, depth), or the reason of `signal`
 */
export async function archiveFolder(
  folder: string,
  temporaryFolder: string,
  signal: AbortSignal,
  files: TransferFiles = transferFiles,
): Promise<ArchivedFolder> {
  const entries = await entriesOf(folder, signal)
  await checkSpace(entries, temporaryFolder)
  const archive = await files.createPrivate(temporaryFolder, temporaryPrefix, temporarySuffix)
  const discard = () => files.remove(archive.path)
  try {
    const packed = await pack(folder, entries, archive, signal, files)
    return { path: archive.path, ...packed, discard }
  } catch (error) {
    await discard()
    throw error
  } finally {
    await archive.close()
  }
}

/** Removes archives that a process left behind which was ended while it sent them. */
export async function removeStaleArchives(
  temporaryFolder: string,
  files: TransferFiles = transferFiles,
): Promise<void> {
  for await (const name of files.list(temporaryFolder))
    if (temporaryName.test(name)) await files.remove(join(temporaryFolder, name))
}

async function entriesOf(folder: string, signal: AbortSignal): Promise<FolderEntry[]> {
  const entries: FolderEntry[] = []
  for await (const entry of listFolder(folder, limits)) {
    throwIfAborted(signal)
    if (entry.facts.kind !== 'other' && !temporaryName.test(entry.path)) entries.push(entry)
  }
  return entries
}

async function checkSpace(entries: readonly FolderEntry[], temporaryFolder: string): Promise<void> {
  const neededBytes = entries.reduce((sum, { facts }) => sum + (facts.kind === 'file' ? facts.bytes : 0) + 2048, 0)
  const { freeBytes } = await spaceAt(temporaryFolder)
  if (neededBytes + reserveBytes <= freeBytes) return
  const message = `the archive needs ${neededBytes} bytes in ${temporaryFolder}, and ${freeBytes} are free`
  throw new AgentError('DISK_FULL', message, { details: { neededBytes, freeBytes } })
}

async function pack(
  folder: string,
  entries: readonly FolderEntry[],
  archive: PrivateFile,
  signal: AbortSignal,
  files: TransferFiles,
): Promise<{ bytes: number; files: FileSnapshot[] }> {
  const { tarEnd, tarHeader, tarPadding } = await import('./tar-blocks.ts')
  const sent: FileSnapshot[] = []
  let position = 0
  const write = async (bytes: Uint8Array) => {
    await archive.write(bytes, position)
    position += bytes.length
  }
  for (const { path, facts } of entries) {
    throwIfAborted(signal)
    const { mode, modifiedMs } = facts
    const full = join(folder, path)
    if (facts.kind === 'folder') await write(tarHeader({ path, type: 'Directory', mode, bytes: 0, modifiedMs }))
    else if (facts.kind === 'link') {
      const target = await readLink(full)
      if (target !== undefined)
        await write(tarHeader({ path, type: 'SymbolicLink', mode, bytes: 0, modifiedMs, target }))
    } else {
      const snapshot = await packFile(full, files, async (size, modified, fileMode) => {
        await write(tarHeader({ path, type: 'File', mode: fileMode, bytes: size, modifiedMs: modified }))
        return { write, end: () => write(tarPadding(size)) }
      })
      if (snapshot !== undefined) sent.push(snapshot)
    }
  }
  await write(tarEnd())
  return { bytes: position, files: sent }
}

type Begin = (
  bytes: number,
  modifiedMs: number,
  mode: number,
) => Promise<{ write(bytes: Uint8Array): Promise<void>; end(): Promise<void> }>

/**
 * Packs one file with the size that it has when it is opened: what is appended meanwhile (a log) waits for the next
 * upload, and a file that shrinks meanwhile is filled up with zeros, because its header is written already.
 * Undefined when the file vanished before it was opened.
 */
async function packFile(path: string, files: TransferFiles, begin: Begin): Promise<FileSnapshot | undefined> {
  const file = await files.openForReading(path, { followLinks: false }).catch(error => {
    if (error instanceof AgentError && error.code === 'FILE_NOT_FOUND') return undefined
    throw error
  })
  if (file === undefined) return undefined
  try {
    const { bytes, modifiedMs, modifiedNs, mode } = await file.facts()
    const out = await begin(bytes, modifiedMs, mode)
    const room = Buffer.alloc(Math.min(chunkBytes, bytes))
    for (let position = 0; position < bytes; ) {
      const wanted = room.subarray(0, Math.min(room.length, bytes - position))
      const got = await file.read(wanted, position)
      if (got === 0) wanted.fill(0)
      const part = got === 0 ? wanted : wanted.subarray(0, got)
      await out.write(part)
      position += part.length
    }
    await out.end()
    return { path, bytes, modifiedNs }
  } finally {
    await file.close()
  }
}
