// SPDX-License-Identifier: Apache-2.0
import type { KeyObject } from 'node:crypto'
import { createHash } from 'node:crypto'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { createGzip } from 'node:zlib'
import { isJsonObject, type Json, type JsonObject, parseJson } from '../../../base/json.ts'
import { closestName } from '../../../config/suggestion.ts'
import { fileFacts } from '../../../platform/files/file-facts.ts'
import { type FolderEntry, listFolder } from '../../../platform/files/folders.ts'
import { createNewFile } from '../../../platform/files/new-file.ts'
import { readBoundedText } from '../../../platform/files/read-file.ts'
import { syncFolder } from '../../../platform/files/sync-folder.ts'
import { tarEnd, tarHeader, tarPadding } from '../../../platform/files/tar-blocks.ts'
import { removeFile } from '../../../platform/files/write-file.ts'
import { fileChunks } from '../../../platform/held/file-chunks.ts'
import { isProgram } from './archive-entry.ts'
import { EntryPolicy, packageLimits } from './entry-policy.ts'
import { ManifestError, manifestKeys, maxManifestBytes, parseManifest, type UpdateManifest } from './manifest.ts'
import { maxListingBytes, PackageListing } from './package-listing.ts'
import { manifestName, signatureName } from './package-names.ts'
import { maxSigningKeys, signatureText } from './signature.ts'
import { badPackage } from './update-error.ts'

/** What was packed. */
export interface PackedPackage {
  readonly path: string
  readonly files: number
  readonly bytes: number
  readonly manifest: UpdateManifest
}

const folderMode = 0o755
const metadataMode = 0o644

interface PackedFile {
  readonly path: string
  readonly mode: number
  readonly bytes: number
}

/** Fields of `update.json` that come from the command line. */
export type ManifestAdditions = Readonly<Record<string, Json>>

/**
 * Makes a package of a folder with an `update.json`: a `.tar.gz` with the sums of all files in `update.json`, signed with
 * each of `keys`. The same folder makes the same package. Nothing in the folder is changed.
 *
 * @param output must not exist
 * @param additions fields of `update.json` that go before those of the folder
 * @throws UpdateError `PACKAGE_INVALID` for what no device would take; `FILE_ACCESS`, `FILE_NOT_FOUND`
 */
export async function packFolder(
  folder: string,
  output: string,
  keys: readonly KeyObject[],
  additions: ManifestAdditions = {},
): Promise<PackedPackage> {
  if (keys.length > maxSigningKeys)
    throw badPackage(`A package takes the signatures of ${maxSigningKeys} keys at most.`)
  const { folders, files } = await contentOf(folder, output)
  const sums: Record<string, string> = {}
  for (const { path } of files) sums[path] = await sumOf(join(folder, path))
  const { bytes: manifest, parsed } = await manifestWith(folder, { ...additions, files: sums })
  const signatures = keys.length === 0 ? '' : signatureText(manifest, listingOf(manifest, folders, files, sums), keys)
  const chunks = async function* () {
    yield* packedBytes(manifestName, manifest)
    if (signatures !== '') yield* packedBytes(signatureName, Buffer.from(signatures))
    for (const path of folders) yield header(path, 'Directory', 0, folderMode)
    for (const file of files) yield* packedFile(folder, file, sums[file.path])
    yield tarEnd()
  }
  const target = await createNewFile(output, 0o644)
  try {
    for await (const chunk of Readable.from(chunks()).pipe(createGzip({ level: 9 }))) await target.write(chunk)
    await target.sync()
  } catch (error) {
    await removeFile(output)
    throw error
  } finally {
    await target.close()
  }
  await syncFolder(dirname(output))
  const bytes = (await fileFacts(output))?.bytes ?? 0
  return { path: output, files: files.length + 1, bytes, manifest: parsed }
}

async function contentOf(folder: string, output: string): Promise<{ folders: string[]; files: PackedFile[] }> {
  const policy = new EntryPolicy(Number.POSITIVE_INFINITY)
  const folders: string[] = []
  const files: PackedFile[] = []
  const limits = { maxEntries: packageLimits.maxEntries, maxDepth: packageLimits.maxDepth }
  for await (const entry of listFolder(folder, limits)) {
    const { path, facts } = entry
    if (path === manifestName || path === signatureName || join(folder, path) === output) continue
    const kind = kindOf(entry)
    const mode = isProgram(facts.mode) ? 0o755 : 0o644
    policy.admit({ path, kind, bytes: facts.bytes, mode })
    if (kind === 'folder') folders.push(path)
    else files.push({ path, mode, bytes: facts.bytes })
  }
  return { folders, files }
}

function kindOf({ path, facts: { kind } }: FolderEntry): 'file' | 'folder' {
  if (kind === 'file' || kind === 'folder') return kind
  throw badPackage(`${JSON.stringify(path)} is a link, a device or a pipe; a package takes files and folders only.`)
}

/** What a signature covers: the entries in the order in which they are packed. */
function listingOf(
  manifest: Buffer,
  folders: readonly string[],
  files: readonly PackedFile[],
  sums: Readonly<Record<string, string>>,
): string {
  const listing = new PackageListing()
  listing.file(manifestName, metadataMode, manifest.length, createHash('sha256').update(manifest).digest('hex'))
  for (const path of folders) listing.folder(path, folderMode)
  for (const { path, mode, bytes } of files) listing.file(path, mode, bytes, sums[path] ?? '')
  if (listing.text !== undefined) return listing.text
  throw badPackage(
    `The listing of the package is larger than ${maxListingBytes} bytes: put the files into one archive.`,
  )
}

async function manifestWith(folder: string, fields: ManifestAdditions) {
  const text = await readBoundedText(join(folder, manifestName), maxManifestBytes)
  const own = parseJson(text.replace(/^\ufeff/, ''))
  if (!isJsonObject(own)) throw new ManifestError('it is not a JSON object')
  refuseMisspelt(own)
  const bytes = Buffer.from(`${JSON.stringify({ ...own, ...fields }, null, 2)}\n`)
  if (bytes.length > maxManifestBytes)
    throw new ManifestError(`it is larger than ${maxManifestBytes} bytes with all sums`)
  return { bytes, parsed: parseManifest(bytes.toString()).manifest }
}

/** Devices ignore fields that they do not know: a package with "device" for "devices" would be for all of them. */
function refuseMisspelt(manifest: JsonObject): void {
  for (const key of Object.keys(manifest)) {
    const meant = manifestKeys.includes(key) ? undefined : closestName(key, manifestKeys)
    if (meant !== undefined)
      throw new ManifestError(
        `${JSON.stringify(key)} is no field of it; did you mean "${meant}"? Correct its name, or remove it`,
      )
  }
}

async function sumOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of fileChunks(path)) hash.update(chunk)
  return hash.digest('hex')
}

function* packedBytes(path: string, content: Buffer): Generator<Uint8Array> {
  yield header(path, 'File', content.length, metadataMode)
  yield content
  yield tarPadding(content.length)
}

/** Checks the file against its checksum: it must not change while it is packed. */
async function* packedFile(folder: string, file: PackedFile, sum: string | undefined): AsyncGenerator<Uint8Array> {
  yield header(file.path, 'File', file.bytes, file.mode)
  const hash = createHash('sha256')
  for await (const chunk of fileChunks(join(folder, file.path))) {
    hash.update(chunk)
    yield chunk
  }
  if (hash.digest('hex') !== sum) throw badPackage(`${JSON.stringify(file.path)} changed while it was packed.`)
  yield tarPadding(file.bytes)
}

/** No times: the same content makes the same package. */
function header(path: string, type: 'File' | 'Directory', bytes: number, mode: number): Buffer {
  return tarHeader({ path, type, mode, bytes, modifiedMs: 0 })
}
