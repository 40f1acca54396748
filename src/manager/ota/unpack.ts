import { createHash } from 'node:crypto'
import { dirname, join } from 'node:path'
import { AgentError } from '../../base/errors.ts'
import { throwIfAborted } from '../../base/wait.ts'
import { fileFacts } from '../../platform/file-facts.ts'
import { createNewFile, createNewFolder } from '../../platform/new-file.ts'
import { spaceAt } from '../../platform/space.ts'
import { syncFolder } from '../../platform/write-file.ts'
import { Status } from '../../protocol/status.ts'
import type { ArchiveEntry, VisitEntry } from './archive-entry.ts'
import { EntryPolicy, type UnpackedSize } from './entry-policy.ts'
import { packageKind } from './request.ts'
import { UpdateError } from './update-error.ts'

/** SHA-256 of each unpacked file by its path, lower-case hex. */
export type FileSums = ReadonlyMap<string, string>

/** Room that is left on the file system for everybody else. */
const reserve = { bytes: 1024 * 1024, inodes: 16 }

/**
 * Reads a package once without writing anything: every entry must be one that may be unpacked.
 *
 * @returns what it unpacks to
 * @throws UpdateError `PACKAGE_INVALID`, `FILE_NOT_FOUND`, `NOT_SUPPORTED` (neither .zip nor .tar.gz)
 */
export async function inspectPackage(path: string, signal: AbortSignal): Promise<UnpackedSize> {
  const policy = new EntryPolicy(await archiveBytes(path))
  await readPackage(path, async entry => {
    throwIfAborted(signal)
    policy.admit(entry)
  })
  return policy.size
}

/**
 * Unpacks a package into `folder`, which must not exist: private files and folders, on the disk when it resolves.
 *
 * @throws UpdateError as {@link inspectPackage}; `DISK_FULL` before anything is written, and when it runs full all the same
 */
export async function unpackPackage(path: string, folder: string, signal: AbortSignal): Promise<FileSums> {
  await checkSpace(await inspectPackage(path, signal), dirname(folder))
  const policy = new EntryPolicy(await archiveBytes(path))
  const sums = new Map<string, string>()
  const folders = new Set<string>()
  const ensure = async (relative: string): Promise<void> => {
    if (folders.has(relative)) return
    if (relative !== '') await ensure(parentOf(relative))
    await createNewFolder(join(folder, relative))
    folders.add(relative)
  }
  await ensure('')
  await readPackage(path, async (entry, content) => {
    throwIfAborted(signal)
    const relative = policy.admit(entry)
    if (entry.kind === 'folder') return await ensure(relative)
    await ensure(parentOf(relative))
    sums.set(relative, await writeEntry(join(folder, relative), entry, content, signal))
  })
  for (const relative of folders) await syncFolder(join(folder, relative))
  await syncFolder(dirname(folder))
  return sums
}

async function readPackage(path: string, visit: VisitEntry): Promise<void> {
  if (packageKind(path) === 'zip') {
    const { readZip } = await import('./zip-reader.ts')
    await readZip(path, visit)
  } else {
    const { readTarGz } = await import('./tar-gz-reader.ts')
    await readTarGz(path, await archiveBytes(path), visit)
  }
}

async function archiveBytes(path: string): Promise<number> {
  const facts = await fileFacts(path)
  if (facts?.kind !== 'file')
    throw new UpdateError('FILE_NOT_FOUND', Status.BadParameter, `there is no package ${path}`, { details: { path } })
  return facts.bytes
}

async function writeEntry(
  path: string,
  entry: ArchiveEntry,
  content: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<string> {
  const file = await createNewFile(path, entry.isProgram ? 0o700 : 0o600)
  try {
    const hash = createHash('sha256')
    for await (const chunk of content) {
      throwIfAborted(signal)
      hash.update(chunk)
      await file.write(chunk)
    }
    await file.sync()
    return hash.digest('hex')
  } finally {
    await file.close()
  }
}

async function checkSpace(size: UnpackedSize, folder: string): Promise<void> {
  const { freeBytes, freeInodes } = await spaceAt(folder)
  // A file takes whole blocks.
  const neededBytes = size.bytes + (size.files + size.folders) * 4096
  if (neededBytes + reserve.bytes > freeBytes) {
    const message = `the package unpacks to ${neededBytes} bytes, and ${folder} has ${freeBytes} free`
    throw new AgentError('DISK_FULL', message, { details: { neededBytes, freeBytes } })
  }
  const neededInodes = size.files + size.folders
  if (freeInodes === undefined || neededInodes + reserve.inodes <= freeInodes) return
  const message = `the package unpacks to ${neededInodes} files and folders, and ${folder} has ${freeInodes} inodes free`
  throw new AgentError('DISK_FULL', message, { details: { neededInodes, freeInodes } })
}

function parentOf(path: string): string {
  const parent = dirname(path)
  return parent === '.' ? '' : parent
}
