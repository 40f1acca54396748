// SPDX-License-Identifier: Apache-2.0
/** The part of yauzl 3 that the agent uses; the package brings no types. */
declare module 'yauzl' {
  import type { Readable } from 'node:stream'

  interface Entry {
    readonly fileName: string
    readonly uncompressedSize: number
    readonly crc32: number
    readonly versionMadeBy: number
    readonly externalFileAttributes: number
    isEncrypted(): boolean
    canDecodeFileData(): boolean
  }
  interface ZipFile {
    readonly entryCount: number
    eachEntry(): AsyncIterable<Entry>
    openReadStreamPromise(entry: Entry): Promise<Readable>
    close(): void
  }
  interface OpenOptions {
    lazyEntries: true
    autoClose: false
    strictFileNames: true
  }
  const yauzl: { openPromise(path: string, options: OpenOptions): Promise<ZipFile> }
  export default yauzl
  export type { Entry, ZipFile }
}
