// SPDX-License-Identifier: Apache-2.0
import { gunzipSync } from 'node:zlib'

/** A `.tar.gz` as it is inside. */
export interface UnpackedArchive {
  /** Every byte of it, uncompressed. */
  readonly bytes: Buffer
  /** The content of each file by its path, without the one folder that holds all of them. */
  readonly files: ReadonlyMap<string, string>
}

/** Unpacks an archive by the letter of POSIX ustar, sharing no code with its packer. */
export function unpackArchive(archive: Uint8Array): UnpackedArchive {
  const bytes = gunzipSync(archive)
  const files = new Map<string, string>()
  const text = (from: number, length: number) => bytes.toString('utf8', from, from + length).replace(/\0.*$/s, '')
  for (let at = 0; bytes[at] !== 0 && at < bytes.length; ) {
    const prefix = text(at + 345, 155)
    const path = `${prefix === '' ? '' : `${prefix}/`}${text(at, 100)}`
    const size = Number.parseInt(text(at + 124, 12), 8)
    if (text(at + 156, 1) === '0')
      files.set(path.replace(/^[^/]*\//, ''), bytes.toString('utf8', at + 512, at + 512 + size))
    at += 512 + Math.ceil(size / 512) * 512
  }
  return { bytes, files }
}
