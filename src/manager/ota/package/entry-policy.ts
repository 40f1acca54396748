// SPDX-License-Identifier: Apache-2.0
import { isText, shownName } from '../../../platform/files/name-bytes.ts'
import type { ArchiveEntry } from './archive-entry.ts'
import { manifestName, scriptLogName, signatureName } from './package-names.ts'
import { badPackage } from './update-error.ts'

/** Bounds of a package when it is unpacked. */
export const packageLimits = {
  maxEntries: 20_000,
  maxBytes: 4 * 1024 ** 3,
  maxDepth: 32,
  maxPathBytes: 1024,
  maxNameBytes: 255,
  /** How much larger than the package its content may be, once it is larger than {@link packageLimits.freeBytes}. */
  maxRatio: 250,
  freeBytes: 64 * 1024 ** 2,
} as const

/** The totals of an unpacked archive. */
export interface UnpackedSize {
  readonly bytes: number
  readonly files: number
  readonly folders: number
}

/**
 * Decides for each entry of one archive whether it may be unpacked, and where: below the folder of the package and nowhere
 * else, each path once, all of it within bounds.
 */
export class EntryPolicy {
  readonly #archiveBytes: number
  readonly #files = new Set<string>()
  readonly #folders = new Set<string>()
  #entries = 0
  #bytes = 0

  constructor(archiveBytes: number) {
    this.#archiveBytes = archiveBytes
  }

  /**
   * The clean relative path of the entry, empty for the folder of the package itself.
   *
   * @throws UpdateError `PACKAGE_INVALID` with what is wrong
   */
  admit(entry: ArchiveEntry): string {
    const path = cleanPath(entry.path)
    checkReserved(path, entry)
    if (++this.#entries > packageLimits.maxEntries)
      throw badPackage(`The package has more than ${packageLimits.maxEntries} entries.`)
    if (entry.kind === 'file') this.#admitFile(path, entry)
    else if (this.#files.has(path)) throw refused(entry.path, 'it is a file and a folder')
    this.#addFolders(entry.kind === 'file' ? parentOf(path) : path, entry.path)
    return path
  }

  get size(): UnpackedSize {
    return { bytes: this.#bytes, files: this.#files.size, folders: this.#folders.size }
  }

  #admitFile(path: string, { path: given, bytes }: ArchiveEntry): void {
    if (path === '') throw refused(given, 'a file needs a name')
    if (this.#files.has(path)) throw refused(given, 'it is in the package twice')
    if (this.#folders.has(path)) throw refused(given, 'it is a file and a folder')
    if (!Number.isSafeInteger(bytes) || bytes < 0) throw refused(given, 'its size makes no sense')
    this.#files.add(path)
    this.#bytes += bytes
    const { maxBytes } = packageLimits
    if (this.#bytes > maxBytes) throw badPackage(`The package unpacks to more than ${maxBytes} bytes.`)
    checkRatio(this.#bytes, this.#archiveBytes)
  }

  #addFolders(folder: string, given: string): void {
    for (let at = folder; at !== '' && !this.#folders.has(at); at = parentOf(at)) {
      if (this.#files.has(at)) throw refused(given, `${JSON.stringify(at)} is a file and a folder`)
      if (this.#folders.size + this.#files.size >= 2 * packageLimits.maxEntries)
        throw badPackage(`The package has more than ${packageLimits.maxEntries} entries.`)
      this.#folders.add(at)
    }
  }
}

/** Throws for an amount of content that no package can mean: an archive that unpacks to a disk full of zeros. */
export function checkRatio(contentBytes: number, archiveBytes: number): void {
  const { maxRatio, freeBytes } = packageLimits
  if (contentBytes > freeBytes && contentBytes > maxRatio * archiveBytes)
    throw badPackage(`The package unpacks to more than ${maxRatio} times its own size.`)
}

function cleanPath(given: string): string {
  if (given === '') throw refused(given, 'it has no name')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this refuses
  if (/[\u0000-\u001f\u007f\\]/.test(given)) throw refused(given, 'its name has a control character or "\\" in it')
  if (given.includes('\ufffd') || !isText(given)) throw refused(given, 'its name is not UTF-8')
  if (given.startsWith('/') || /^[A-Za-z]:/.test(given)) throw refused(given, 'its path is absolute')
  const parts = given.split('/').filter(part => part !== '' && part !== '.')
  if (parts.includes('..')) throw refused(given, 'its path has ".." in it')
  const { maxDepth, maxPathBytes, maxNameBytes } = packageLimits
  if (parts.length > maxDepth) throw refused(given, `it lies more than ${maxDepth} folders deep`)
  if (parts.some(part => Buffer.byteLength(part) > maxNameBytes))
    throw refused(given, `its name is longer than ${maxNameBytes} bytes`)
  const path = parts.join('/')
  if (Buffer.byteLength(path) > maxPathBytes) throw refused(given, `its path is longer than ${maxPathBytes} bytes`)
  return path
}

/**
 * Names at the root of a package that mean something to the agent: each stands for the one file that it is there for, in no
 * other kind and in no other spelling that some file system takes for the same.
 */
function checkReserved(path: string, { path: given, kind }: ArchiveEntry): void {
  const [root = ''] = path.split('/')
  const name = root.toLowerCase().replace(/[. ]+$/, '')
  if (name === scriptLogName) throw refused(given, `the agent keeps the log of the scripts under ${scriptLogName}`)
  if (name !== manifestName && name !== signatureName) return
  if (path !== name || kind !== 'file') throw refused(given, `${name} is a file of that very name, and nothing else`)
}

function parentOf(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash < 0 ? '' : path.slice(0, slash)
}

function refused(path: string, why: string) {
  return badPackage(`The entry "${shownName(path, 120)}" of the package is refused: ${why}.`)
}
