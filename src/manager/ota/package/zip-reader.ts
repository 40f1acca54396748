// SPDX-License-Identifier: Apache-2.0
import yauzl, { type Entry, type ZipFile } from 'yauzl'
import { crc32 } from '../../../base/crc32.ts'
import { AgentError, errnoOf, messageOf, withoutStop } from '../../../base/errors.ts'
import type { ArchiveEntry, VisitEntry } from './archive-entry.ts'
import { packageLimits } from './entry-policy.ts'
import { badPackage } from './update-error.ts'

const typeBits = 0o170000
const [regular, folder] = [0o100000, 0o040000]

/**
 * Reads a zip file entry by entry, in the order of its directory. Links, devices, encrypted and oddly compressed files are
 * refused; sizes and sums are checked as far as the content is read.
 *
 * @throws UpdateError `PACKAGE_INVALID`, or what `visit` throws
 */
export async function readZip(path: string, visit: VisitEntry): Promise<void> {
  const zip = await asPackageError(() =>
    yauzl.openPromise(path, { lazyEntries: true, autoClose: false, strictFileNames: true }),
  )
  try {
    if (zip.entryCount > packageLimits.maxEntries)
      throw badPackage(`The package has more than ${packageLimits.maxEntries} entries.`)
    await asPackageError(async () => {
      for await (const entry of zip.eachEntry()) await visit(factsOf(entry), contentOf(zip, entry))
    })
  } finally {
    zip.close()
  }
}

function factsOf(entry: Entry): ArchiveEntry {
  const { fileName: path, uncompressedSize: bytes, externalFileAttributes } = entry
  const mode = externalFileAttributes >>> 16
  const type = mode & typeBits
  const name = JSON.stringify(path.slice(0, 120))
  if (type !== 0 && type !== regular && type !== folder)
    throw badPackage(`The entry ${name} of the package is refused: it is a link, a device or a pipe.`)
  if (entry.isEncrypted()) throw badPackage(`The entry ${name} of the package is encrypted.`)
  const bits = mode & 0o7777
  if (path.endsWith('/')) return { path, kind: 'folder', bytes: 0, mode: bits }
  if (!entry.canDecodeFileData()) throw badPackage(`The entry ${name} of the package is compressed in an unknown way.`)
  return { path, kind: 'file', bytes, mode: bits }
}

async function* contentOf(zip: ZipFile, entry: Entry): AsyncGenerator<Uint8Array> {
  let sum: number | undefined
  for await (const chunk of await zip.openReadStreamPromise(entry)) {
    sum = crc32(chunk, sum)
    yield chunk
  }
  if ((sum ?? 0) !== entry.crc32)
    throw badPackage(`The entry ${JSON.stringify(entry.fileName)} of the package is damaged.`)
}

/** The error of the library about a broken archive, as an UpdateError. */
async function asPackageError<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof AgentError) throw error
    const errno = errnoOf(error)
    if (errno !== undefined && /^E[A-Z]+$/.test(errno)) throw error
    throw badPackage(`The zip file cannot be read: ${withoutStop(messageOf(error))}.`, error)
  }
}
