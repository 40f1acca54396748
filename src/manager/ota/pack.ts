import type { KeyObject } from 'node:crypto'
import { createHash } from 'node:crypto'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { createGzip } from 'node:zlib'
import { isJsonObject, parseJson } from '../../base/json.ts'
import { fileChunks } from '../../platform/file-chunks.ts'
import { fileFacts } from '../../platform/file-facts.ts'
import { type FolderEntry, listFolder } from '../../platform/folders.ts'
import { createNewFile } from '../../platform/new-file.ts'
import { readBoundedText } from '../../platform/read-file.ts'
import { removeFile, syncFolder } from '../../platform/write-file.ts'
import { tarEnd, tarHeader, tarPadding } from '../tar-blocks.ts'
import { EntryPolicy, packageLimits } from './entry-policy.ts'
import { ManifestError, manifestName, mostManifestBytes, parseManifest } from './manifest.ts'
import { signatureLine, signatureName } from './signature.ts'
import { badPackage } from './update-error.ts'

/** What was packed. */
export interface PackedPackage {
  readonly path: string
  readonly files: number
  readonly bytes: number
}

interface PackedFile {
  readonly path: string
  readonly isProgram: boolean
  readonly bytes: number
}

/**
 * Makes a package of a folder with an `update.json`: a `.tar.gz` with the sums of all files in `update.json`, signed with
 * each of `keys`. The same folder makes the same package. Nothing in the folder is changed.
 *
 * @param output must not exist
 * @throws UpdateError `PACKAGE_INVALID` for what no device would take; `FILE_ACCESS`, `FILE_NOT_FOUND`
 */
export async function packFolder(folder: string, output: string, keys: readonly KeyObject[]): Promise<PackedPackage> {
  const { folders, files } = await contentOf(folder, output)
  const sums: Record<string, string> = {}
  for (const { path } of files) sums[path] = await sumOf(join(folder, path))
  const manifest = await manifestWith(folder, sums)
  const signatures = Buffer.from(keys.map(key => signatureLine(manifest, key)).join(''))
  const chunks = async function* () {
    yield* packedBytes(manifestName, manifest)
    if (signatures.length > 0) yield* packedBytes(signatureName, signatures)
    for (const path of folders) yield header(path, 'Directory', 0, true)
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
  return { path: output, files: files.length + 1, bytes: (await fileFacts(output))?.bytes ?? 0 }
}

async function contentOf(folder: string, output: string): Promise<{ folders: string[]; files: PackedFile[] }> {
  const policy = new EntryPolicy(Number.POSITIVE_INFINITY)
  const folders: string[] = []
  const files: PackedFile[] = []
  const limits = { maxEntries: packageLimits.mostEntries, maxDepth: packageLimits.mostDepth }
  for await (const entry of listFolder(folder, limits)) {
    const { path, facts } = entry
    if (path === manifestName || path === signatureName || join(folder, path) === output) continue
    const kind = kindOf(entry)
    const isProgram = (facts.mode & 0o100) !== 0
    policy.admit({ path, kind, bytes: facts.bytes, isProgram })
    if (kind === 'folder') folders.push(path)
    else files.push({ path, isProgram, bytes: facts.bytes })
  }
  return { folders, files }
}

function kindOf({ path, facts: { kind } }: FolderEntry): 'file' | 'folder' {
  if (kind === 'file' || kind === 'folder') return kind
  throw badPackage(`${JSON.stringify(path)} is a link, a device or a pipe; a package takes files and folders only`)
}

async function manifestWith(folder: string, sums: Readonly<Record<string, string>>): Promise<Buffer> {
  const text = await readBoundedText(join(folder, manifestName), mostManifestBytes)
  parseManifest(text)
  const own = parseJson(text)
  if (!isJsonObject(own)) throw new ManifestError('it is not a JSON object')
  const manifest = Buffer.from(`${JSON.stringify({ ...own, files: sums }, null, 2)}\n`)
  if (manifest.length > mostManifestBytes)
    throw new ManifestError(`it is larger than ${mostManifestBytes} bytes with all sums`)
  return manifest
}

async function sumOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of fileChunks(path)) hash.update(chunk)
  return hash.digest('hex')
}

function* packedBytes(path: string, content: Buffer): Generator<Uint8Array> {
  yield header(path, 'File', content.length, false)
  yield content
  yield tarPadding(content.length)
}

/** Holds the file to the sum that is promised: it must not change while it is packed. */
async function* packedFile(folder: string, file: PackedFile, sum: string | undefined): AsyncGenerator<Uint8Array> {
  yield header(file.path, 'File', file.bytes, file.isProgram)
  const hash = createHash('sha256')
  for await (const chunk of fileChunks(join(folder, file.path))) {
    hash.update(chunk)
    yield chunk
  }
  if (hash.digest('hex') !== sum) throw badPackage(`${JSON.stringify(file.path)} changed while it was packed`)
  yield tarPadding(file.bytes)
}

/** No times: the same content makes the same package. */
function header(path: string, type: 'File' | 'Directory', bytes: number, isProgram: boolean): Buffer {
  return tarHeader({ path, type, mode: isProgram ? 0o755 : 0o644, bytes, modifiedMs: 0 })
}
