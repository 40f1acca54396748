// SPDX-License-Identifier: Apache-2.0
import { manifestName, signatureName } from './package-names.ts'

/**
 * The listing of a package: what is in it, as a text that a signature can cover. One line for each entry of the archive, in
 * its order, without `update.sig`:
 *
 *     file MODE BYTES SHA256 PATH
 *     folder MODE PATH
 *
 * MODE has four octal digits, PATH is the clean one (`.` for the folder of the package itself). No path has a control
 * character, so that each text reads in one way only. `share/reference/update-packages.md` describes it for other signers.
 */
export class PackageListing {
  #lines: string[] = []
  #bytes = 0

  /** @param path clean, as the entry policy returns it */
  folder(path: string, mode: number): void {
    this.#add(`folder ${octal(mode)} ${path === '' ? '.' : path}\n`)
  }

  /** @param sum SHA-256 of the content, lower-case hex */
  file(path: string, mode: number, bytes: number, sum: string): void {
    // It cannot cover itself, and is never unpacked.
    if (path !== signatureName) this.#add(`file ${octal(mode)} ${bytes} ${sum} ${path}\n`)
  }

  /** The text; undefined when it is larger than {@link maxListingBytes}. */
  get text(): string | undefined {
    return this.#bytes > maxListingBytes ? undefined : this.#lines.join('')
  }

  #add(line: string): void {
    this.#bytes += Buffer.byteLength(line)
    if (this.#bytes > maxListingBytes) this.#lines = []
    else this.#lines.push(line)
  }
}

/** A package with a larger listing cannot be signed as a whole. */
export const maxListingBytes = 2 * 1024 * 1024

/** One file of a listing. */
export interface ListedFile {
  readonly mode: number
  readonly bytes: number
  readonly sum: string
}

/** A listing that was read back. */
export interface ReadListing {
  readonly files: ReadonlyMap<string, ListedFile>
  readonly folders: ReadonlySet<string>
}

const filePattern = /^file ([0-7]{4}) (\d{1,15}) ([0-9a-f]{64}) ([^\n]+)$/
const folderPattern = /^folder ([0-7]{4}) ([^\n]+)$/

/** Reads a listing; undefined when it is none. */
export function readListing(text: string): ReadListing | undefined {
  const files = new Map<string, ListedFile>()
  const folders = new Set<string>()
  const lines = text.split('\n')
  if (lines.pop() !== '') return undefined
  for (const line of lines) {
    const [, mode, bytes, sum, path] = filePattern.exec(line) ?? []
    if (mode !== undefined && sum !== undefined && path !== undefined) {
      files.set(path, { mode: Number.parseInt(mode, 8), bytes: Number(bytes), sum })
      continue
    }
    const folder = folderPattern.exec(line)?.[2]
    if (folder === undefined) return undefined
    if (folder !== '.') folders.add(folder)
  }
  return files.has(manifestName) ? { files, folders } : undefined
}

function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0')
}
