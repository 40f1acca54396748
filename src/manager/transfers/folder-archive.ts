// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'
import { AgentError } from '../../base/errors.ts'
import { throwIfAborted } from '../../base/wait.ts'
import { type FileFacts, type FileIdentity, isSameFile } from '../../platform/files/file-facts.ts'
import { spaceAt } from '../../platform/files/space.ts'
import {
  folderTree,
  inParentBelow,
  type LeaveOut,
  openFileBelow,
  type TreeEntry,
} from '../../platform/held/folder-tree.ts'
import type { PrivateFile } from '../../platform/held/private-file.ts'
import type { ReadableFile } from '../../platform/held/readable-file.ts'
import { type TransferFiles, transferFiles } from '../../platform/held/transfer-files.ts'
import type { TransferFolder } from '../../platform/held/transfer-folder.ts'
import type { FileSnapshot } from './reach/index.ts'

/** A folder that was packed into a temporary file. */
export interface ArchivedFolder {
  /** The archive. */
  readonly path: string
  readonly bytes: number
  /** The regular files in it, as they were when they were read. */
  readonly files: readonly FileSnapshot[]
  /** Opens the archive. */
  open(): Promise<ReadableFile>
  /** Removes the archive. */
  discard(): Promise<void>
}

/** A folder to pack, and what is left out of it. */
export interface FolderToPack {
  /** Held by the caller. */
  readonly folder: TransferFolder
  /** What is left out. */
  readonly leaveOut?: LeaveOut
  /** Opens a file by its path in the folder (default: as it is). */
  readonly openFile?: (folder: TransferFolder, path: string) => Promise<ReadableFile>
}

const chunkBytes = 256 * 1024
const limits = { maxEntries: 50_000, maxDepth: 64 }
/** Space that stays free on the file system for other programs. */
const reserveBytes = 1024 * 1024
const temporaryPrefix = '.upload-'
const temporarySuffix = '.tar'
const temporaryName = /(?:^|\/)\.upload-[0-9a-f]{16}\.tar$/

/**
 * Packs everything in `folder` into a tar file that only this user can read, in `temporaryFolder`: never in the folder
 * itself, where it would pack itself [M4]. Links are packed as links; sockets, pipes and devices are left out.
 *
 * @throws AgentError `DISK_FULL`, `FILE_ACCESS`, `LIMIT_EXCEEDED` (entries, depth), or the reason of `signal`
 */
export async function archiveFolder(
  what: FolderToPack,
  temporaryFolder: string,
  signal: AbortSignal,
  files: TransferFiles = transferFiles,
): Promise<ArchivedFolder> {
  const entries = await entriesOf(what, signal)
  await checkSpace(entries, temporaryFolder)
  const place = await files.openFolder(temporaryFolder)
  try {
    const archive = await place.createPrivate(temporaryPrefix, temporarySuffix)
    const discard = async () => {
      await place.remove(archive.name)
      await place.close()
    }
    try {
      const packed = await pack(what, entries, archive, signal)
      const path = join(temporaryFolder, archive.name)
      const made = await archive.facts()
      return { path, ...packed, open: () => openSame(place, archive.name, made), discard }
    } catch (error) {
      await discard()
      throw error
    } finally {
      await archive.close()
    }
  } catch (error) {
    await place.close()
    throw error
  }
}

/** Opens the archive that was made: another user who may write to the folder could have put another file in its place. */
async function openSame(folder: TransferFolder, name: string, made: FileIdentity): Promise<ReadableFile> {
  const file = await folder.openFile(name)
  try {
    if (isSameFile(await file.facts(), made)) return file
    throw new AgentError('FILE_CHANGED', `${join(folder.path, name)} was replaced before it was sent.`)
  } catch (error) {
    await file.close()
    throw error
  }
}

/** The regular files in and below a folder, as they are now. Throws as {@link archiveFolder}. */
export async function snapshotsOf(folder: TransferFolder, leaveOut?: LeaveOut): Promise<FileSnapshot[]> {
  const found: FileSnapshot[] = []
  for await (const { path, facts } of folderTree(folder, limits, leaveOut))
    if (facts.kind === 'file') found.push({ path, facts })
  return found
}

/** Removes the archives of a process that was killed while it sent them. */
export async function removeStaleArchives(
  temporaryFolder: string,
  files: TransferFiles = transferFiles,
): Promise<void> {
  const folder = await files.openFolder(temporaryFolder)
  try {
    for await (const name of folder.list()) if (temporaryName.test(name)) await folder.remove(name)
  } finally {
    await folder.close()
  }
}

async function entriesOf({ folder, leaveOut }: FolderToPack, signal: AbortSignal): Promise<TreeEntry[]> {
  const entries: TreeEntry[] = []
  for await (const entry of folderTree(folder, limits, leaveOut)) {
    throwIfAborted(signal)
    if (entry.facts.kind !== 'other' && !temporaryName.test(entry.path)) entries.push(entry)
  }
  return entries
}

async function checkSpace(entries: readonly TreeEntry[], temporaryFolder: string): Promise<void> {
  const neededBytes = entries.reduce((sum, { facts }) => sum + (facts.kind === 'file' ? facts.bytes : 0) + 2048, 0)
  const { freeBytes } = await spaceAt(temporaryFolder)
  if (neededBytes + reserveBytes <= freeBytes) return
  const message = `The archive needs ${neededBytes} bytes in ${temporaryFolder}, and ${freeBytes} are free.`
  throw new AgentError('DISK_FULL', message, { details: { neededBytes, freeBytes } })
}

async function pack(
  { folder, openFile = openFileBelow }: FolderToPack,
  entries: readonly TreeEntry[],
  archive: PrivateFile,
  signal: AbortSignal,
): Promise<{ bytes: number; files: FileSnapshot[] }> {
  const { tarEnd, tarHeader, tarPadding } = await import('../../platform/files/tar-blocks.ts')
  const sent: FileSnapshot[] = []
  let position = 0
  const write = async (bytes: Uint8Array) => {
    await archive.write(bytes, position)
    position += bytes.length
  }
  for (const { path, facts } of entries) {
    throwIfAborted(signal)
    const { mode, modifiedMs } = facts
    if (facts.kind === 'folder') await write(tarHeader({ path, type: 'Directory', mode, bytes: 0, modifiedMs }))
    else if (facts.kind === 'link') {
      const target = await ifThere(() => inParentBelow(folder, path, (parent, name) => parent.readLink(name)))
      if (target !== undefined)
        await write(tarHeader({ path, type: 'SymbolicLink', mode, bytes: 0, modifiedMs, target }))
    } else {
      const file = await ifThere(() => openFile(folder, path))
      if (file === undefined) continue
      const packed = await packFile(file, async (bytes, modified, fileMode) => {
        await write(tarHeader({ path, type: 'File', mode: fileMode, bytes, modifiedMs: modified }))
        return { write, end: () => write(tarPadding(bytes)) }
      })
      sent.push({ path, facts: packed })
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
 * Packs one file with the size that it has when it is opened: bytes that are appended meanwhile (to a log)
 * wait for the next upload, and a file that shrinks meanwhile is padded with zeros, because its header is written already.
 */
async function packFile(file: ReadableFile, begin: Begin): Promise<FileFacts> {
  try {
    const facts = await file.facts()
    const { bytes, modifiedMs, mode } = facts
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
    return facts
  } finally {
    await file.close()
  }
}

/** Undefined for a file that vanished before it was opened. */
async function ifThere<T>(open: () => Promise<T>): Promise<T | undefined> {
  try {
    return await open()
  } catch (error) {
    if (error instanceof AgentError && error.code === 'FILE_NOT_FOUND') return undefined
    throw error
  }
}
