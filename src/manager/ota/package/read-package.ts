// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { throwIfAborted } from '../../../base/wait.ts'
import { fileFacts } from '../../../platform/files/file-facts.ts'
import { Status } from '../../../protocol/status.ts'
import type { VisitEntry } from './archive-entry.ts'
import { EntryPolicy, type UnpackedSize } from './entry-policy.ts'
import { maxManifestBytes } from './manifest.ts'
import { PackageListing } from './package-listing.ts'
import { manifestName, packageKind, signatureName } from './package-names.ts'
import { maxSignatureBytes } from './signature.ts'
import { badPackage, UpdateError } from './update-error.ts'

/** SHA-256 of each file of a package by its path, lower-case hex. */
export type FileSums = ReadonlyMap<string, string>

/** What is in a package, found without writing anything. */
export interface ScannedPackage {
  readonly size: UnpackedSize
  readonly sums: FileSums
  /** The size of each file by its path. */
  readonly bytes: ReadonlyMap<string, number>
  /** The bytes of `update.json` and `update.sig`; absent when there is none. */
  readonly manifest?: Buffer | undefined
  readonly signature?: Buffer | undefined
  /** What a signature of the second form covers; absent when it is larger than one may be. */
  readonly listing?: string | undefined
  /** Something follows the end of the archive. */
  readonly hasMore: boolean
}

/** The metadata of a package, and how large each file of it may be. */
const metadata: ReadonlyMap<string, number> = new Map([
  [manifestName, maxManifestBytes],
  [signatureName, maxSignatureBytes],
])

/**
 * Reads a package from its first to its last byte: every entry must be one that may be unpacked.
 *
 * @throws UpdateError `PACKAGE_INVALID`, `FILE_NOT_FOUND`, `NOT_SUPPORTED` (neither .zip nor .tar.gz)
 */
export async function scanPackage(path: string, signal: AbortSignal): Promise<ScannedPackage> {
  const policy = new EntryPolicy(await packageBytes(path))
  const sums = new Map<string, string>()
  const bytes = new Map<string, number>()
  const found = new Map<string, Buffer>()
  const listing = new PackageListing()
  const { hasMore } = await readPackage(path, async (entry, content) => {
    const relative = policy.admit(entry)
    if (entry.kind === 'folder') return listing.folder(relative, entry.mode)
    const maxBytes = metadata.get(relative)
    if (maxBytes !== undefined && entry.bytes > maxBytes)
      throw badPackage(`${relative} of the package is larger than ${maxBytes} bytes.`)
    const hash = createHash('sha256')
    const kept: Uint8Array[] = []
    for await (const chunk of content) {
      throwIfAborted(signal)
      hash.update(chunk)
      if (maxBytes !== undefined) kept.push(chunk)
    }
    bytes.set(relative, entry.bytes)
    const sum = hash.digest('hex')
    sums.set(relative, sum)
    listing.file(relative, entry.mode, entry.bytes, sum)
    if (maxBytes !== undefined) found.set(relative, Buffer.concat(kept))
  })
  const [manifest, signature] = [found.get(manifestName), found.get(signatureName)]
  return {
    size: policy.size,
    sums,
    bytes,
    hasMore,
    listing: listing.text,
    manifest,
    signature,
  }
}

/** Reads a package entry by entry; resolves to whether something follows its end. Throws as {@link scanPackage} and `visit`. */
export async function readPackage(path: string, visit: VisitEntry): Promise<{ hasMore: boolean }> {
  if (packageKind(path) === 'zip') {
    const { readZip } = await import('./zip-reader.ts')
    await readZip(path, visit)
    return { hasMore: false }
  } else {
    const { readTarGz } = await import('./tar-gz-reader.ts')
    return await readTarGz(path, await packageBytes(path), visit)
  }
}

/** The size of a package. */
export async function packageBytes(path: string): Promise<number> {
  const facts = await fileFacts(path)
  if (facts?.kind === 'file') return facts.bytes
  throw new UpdateError('FILE_NOT_FOUND', Status.BadParameter, `There is no package ${path}.`, {
    details: { path },
    remedy: 'Check its path.',
  })
}
