// SPDX-License-Identifier: Apache-2.0
import { Header } from 'tar/header'
import { Pax } from 'tar/pax'
import { messageOf, withoutStop } from '../../../base/errors.ts'
import type { VisitEntry } from './archive-entry.ts'
import { ByteSource } from './byte-source.ts'
import { badPackage } from './update-error.ts'

const blockBytes = 512
/** The longest extended header and long name: a path is far shorter. */
const maxHeaderBytes = 64 * 1024
/** How many of them may stand in front of one entry: pax and GNU have four kinds. */
const maxHeaders = 16

/**
 * Reads a tar archive (ustar, pax, GNU) entry by entry. Links, devices, pipes and sparse files are refused.
 *
 * @returns whether something follows its end, which other programs may take for entries
 * @throws UpdateError `PACKAGE_INVALID`, or what `visit` throws
 */
export async function readTar(chunks: AsyncIterable<Uint8Array>, visit: VisitEntry): Promise<{ hasMore: boolean }> {
  const source = new ByteSource(chunks)
  let own: Pax | undefined
  let everybody: Pax | undefined
  let longPath: string | undefined
  let headers = 0
  for (;;) {
    const block = await source.take(blockBytes)
    if (block.length === 0) break
    if (block.length < blockBytes) throw badPackage('The tar archive ends in the middle of a header.')
    const header = asPackageError(() => new Header(block, 0, own, everybody))
    // The end of an archive is marked by empty blocks; what follows should be padding.
    if (header.nullBlock) break
    if (!header.cksumValid) throw badPackage('The tar archive has a damaged header.')
    const size = header.size ?? -1
    if (!Number.isSafeInteger(size) || size < 0) throw badPackage('The tar archive has an entry without a size.')
    if (++headers > maxHeaders)
      throw badPackage(`The tar archive has more than ${maxHeaders} headers in front of an entry.`)
    switch (header.type) {
      case 'ExtendedHeader':
      case 'OldExtendedHeader':
        own = paxOf(await metadata(source, size), own, false)
        continue
      case 'GlobalExtendedHeader':
        everybody = paxOf(await metadata(source, size), everybody, true)
        continue
      case 'NextFileHasLongPath':
      case 'OldGnuLongPath':
        longPath = untilNul(await metadata(source, size))
        continue
      case 'NextFileHasLongLinkpath':
        await metadata(source, size)
        continue
      default:
    }
    const path = longPath ?? header.path ?? ''
    const kind = kindOf(header.type, path)
    const entry = { path, kind, bytes: kind === 'file' ? size : 0, mode: (header.mode ?? 0) & 0o7777 }
    const content = source.slice(size)
    await visit(entry, content)
    await drain(content)
    await skip(source, padding(size))
    own = undefined
    longPath = undefined
    headers = 0
  }
  return { hasMore: await hasContent(source.rest()) }
}

function kindOf(type: string, path: string): 'file' | 'folder' {
  if (type === 'Directory') return 'folder'
  if (type === 'File' || type === 'OldFile' || type === 'ContiguousFile') return path.endsWith('/') ? 'folder' : 'file'
  throw badPackage(`The entry ${JSON.stringify(path.slice(0, 120))} of the package is refused: it is a ${type}.`)
}

async function metadata(source: ByteSource, size: number): Promise<string> {
  if (size > maxHeaderBytes) throw badPackage(`The tar archive has a header of ${size} bytes.`)
  const bytes = await source.take(size)
  if (bytes.length < size) throw badPackage('The tar archive ends in the middle of a header.')
  await skip(source, padding(size))
  return bytes.toString('utf8')
}

function paxOf(text: string, before: Pax | undefined, isGlobal: boolean): Pax {
  if (text.includes(' GNU.sparse.')) throw badPackage('The tar archive has a sparse file in it.')
  return asPackageError(() => Pax.parse(text, before, isGlobal))
}

/** The error of the library about a broken header, as an UpdateError. */
function asPackageError<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw badPackage(`The tar archive has a damaged header: ${withoutStop(messageOf(error))}.`, error)
  }
}

function untilNul(text: string): string {
  const end = text.indexOf('\0')
  return end < 0 ? text : text.slice(0, end)
}

function padding(size: number): number {
  return (blockBytes - (size % blockBytes)) % blockBytes
}

async function skip(source: ByteSource, bytes: number): Promise<void> {
  if ((await source.take(bytes)).length < bytes) throw badPackage('The tar archive ends too early.')
}

/** Whether there is more than zeros. */
async function hasContent(chunks: AsyncIterable<Uint8Array>): Promise<boolean> {
  let found = false
  for await (const chunk of chunks) found ||= chunk.some(byte => byte !== 0)
  return found
}

async function drain(content: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of content);
}
