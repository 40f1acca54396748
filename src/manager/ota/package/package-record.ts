// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { AgentError } from '../../../base/errors.ts'
import { isJsonObject, parseJson } from '../../../base/json.ts'
import { readBoundedText } from '../../../platform/files/read-file.ts'
import { removeFile, replaceFile } from '../../../platform/files/write-file.ts'
import { packageLimits } from './entry-policy.ts'
import { maxManifestBytes } from './manifest.ts'
import { maxListingBytes, type ReadListing, readListing } from './package-listing.ts'
import { manifestName } from './package-names.ts'
import type { ScannedPackage } from './read-package.ts'
import { maxSignatureBytes } from './signature.ts'

/** Base64 takes 4 bytes for 3, and a line break in JSON takes 2 for 1. */
const maxBytes = 2 * (maxManifestBytes + maxSignatureBytes + maxListingBytes)

/** A package as it was unpacked, with its listing read. */
export interface RecordedPackage {
  readonly scanned: ScannedPackage
  readonly listing: ReadListing
}

/**
 * The metadata and the listing of the unpacked package, on flash beside the journal. With them another process can verify by the
 * signature that the unpacked files are those that were accepted, even after the package itself is gone.
 */
export class PackageRecord {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  /** On flash when it resolves. A package without a listing leaves no record. */
  async write({ manifest, signature, listing }: ScannedPackage): Promise<void> {
    if (manifest === undefined || listing === undefined) return
    const record = {
      manifest: manifest.toString('base64'),
      signature: signature?.toString('base64'),
      listing,
    }
    await replaceFile(this.#path, `${JSON.stringify(record)}\n`)
  }

  /** Undefined when there is none, or it cannot be parsed. */
  async read(): Promise<RecordedPackage | undefined> {
    const value = parseJson(await this.#text())
    if (!isJsonObject(value)) return undefined
    const { manifest, signature, listing } = value
    if (typeof manifest !== 'string' || typeof listing !== 'string') return undefined
    const metadata = {
      manifest: Buffer.from(manifest, 'base64'),
      signature: typeof signature === 'string' ? Buffer.from(signature, 'base64') : undefined,
    }
    return recorded(metadata, listing)
  }

  async remove(): Promise<void> {
    await removeFile(this.#path)
  }

  async #text(): Promise<string> {
    try {
      return await readBoundedText(this.#path, maxBytes)
    } catch (error) {
      if (error instanceof AgentError && (error.code === 'FILE_NOT_FOUND' || error.code === 'LIMIT_EXCEEDED')) return ''
      throw error
    }
  }
}

/** A scanned package in the form of its record; undefined when its listing is too large for one. */
export function recordOf(scanned: ScannedPackage): RecordedPackage | undefined {
  return scanned.listing === undefined || scanned.manifest === undefined
    ? undefined
    : recorded({ ...scanned, manifest: scanned.manifest }, scanned.listing)
}

function recorded(
  metadata: { readonly manifest: Buffer; readonly signature?: Buffer | undefined },
  text: string,
): RecordedPackage | undefined {
  const listing = readListing(text)
  // The listing is what is signed: the manifest is the one that it names.
  const sum = createHash('sha256').update(metadata.manifest).digest('hex')
  if (listing?.files.get(manifestName)?.sum !== sum || listing.files.size > packageLimits.maxEntries) return undefined
  const files = [...listing.files]
  const bytes = new Map(files.map(([path, file]) => [path, file.bytes]))
  const size = {
    bytes: files.reduce((total, [, file]) => total + file.bytes, 0),
    files: files.length,
    folders: listing.folders.size,
  }
  const sums = new Map(files.map(([path, file]) => [path, file.sum]))
  const { manifest, signature } = metadata
  const scanned = { size, sums, bytes, listing: text, hasMore: false, manifest, signature }
  return { scanned, listing }
}
