// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { dirname, join } from 'node:path'
import { AgentError } from '../../../base/errors.ts'
import { throwIfAborted } from '../../../base/wait.ts'
import { createNewFile, createNewFolder } from '../../../platform/files/new-file.ts'
import { spaceAt } from '../../../platform/files/space.ts'
import { syncFolder } from '../../../platform/files/sync-folder.ts'
import { type ArchiveEntry, isProgram } from './archive-entry.ts'
import { EntryPolicy, type UnpackedSize } from './entry-policy.ts'
import { PackageListing } from './package-listing.ts'
import { signatureName } from './package-names.ts'
import { packageBytes, readPackage, type ScannedPackage } from './read-package.ts'
import { badPackage } from './update-error.ts'

/** Space that stays free on the file system for other programs. */
const reserve = { bytes: 1024 * 1024, inodes: 16 }

/**
 * Unpacks a package into `folder`, which must not exist: private files and folders, on the disk when it resolves.
 *
 * @param scanned the result of its scan; a package that was changed since is refused
 * @throws UpdateError `PACKAGE_INVALID`; `DISK_FULL` before anything is written, and when it runs full all the same
 */
export async function unpackPackage(
  path: string,
  folder: string,
  scanned: ScannedPackage,
  signal: AbortSignal,
): Promise<void> {
  await checkSpace(scanned.size, dirname(folder))
  const policy = new EntryPolicy(await packageBytes(path))
  const folders = new Set<string>()
  const listing = new PackageListing()
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
    if (entry.kind === 'folder') {
      listing.folder(relative, entry.mode)
      return await ensure(relative)
    }
    // The signatures are not signed themselves: a script must not find them among its files.
    if (relative === signatureName) return
    await ensure(parentOf(relative))
    const sum = await writeEntry(join(folder, relative), entry, content, signal)
    listing.file(relative, entry.mode, entry.bytes, sum)
    if (scanned.sums.get(relative) !== sum) throw badPackage('The package changed while it was read.')
  })
  if (policy.size.files !== scanned.sums.size || listing.text !== scanned.listing)
    throw badPackage('The package changed while it was read.')
  for (const relative of folders) await syncFolder(join(folder, relative))
  await syncFolder(dirname(folder))
}

async function writeEntry(
  path: string,
  entry: ArchiveEntry,
  content: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<string> {
  const file = await createNewFile(path, isProgram(entry.mode) ? 0o700 : 0o600)
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
    const message = `The package unpacks to ${neededBytes} bytes, and ${folder} has ${freeBytes} free.`
    throw new AgentError('DISK_FULL', message, { details: { neededBytes, freeBytes } })
  }
  const neededInodes = size.files + size.folders
  if (freeInodes === undefined || neededInodes + reserve.inodes <= freeInodes) return
  const message = `The package unpacks to ${neededInodes} files and folders, and ${folder} has ${freeInodes} inodes free.`
  throw new AgentError('DISK_FULL', message, { details: { neededInodes, freeInodes } })
}

function parentOf(path: string): string {
  const parent = dirname(path)
  return parent === '.' ? '' : parent
}
