// SPDX-License-Identifier: Apache-2.0
/** Reads one file of a .tgz. `npm pack` writes plain ustar archives [POSIX pax, ustar Interchange Format]. */
import { gunzipSync } from 'node:zlib'
import { BuildError } from '../build-error.ts'

const blockBytes = 512

/** The content of `path` in `archive`. Throws a {@link BuildError} when it is missing or the archive is incomplete. */
export function readTarEntry(archive: Uint8Array, path: string): Uint8Array {
  const tar = gunzip(archive)
  for (let at = 0; at + blockBytes <= tar.length; ) {
    const header = tar.subarray(at, at + blockBytes)
    const name = text(header, 0, 100)
    if (name === '') break
    const bytes = Number.parseInt(text(header, 124, 12).trim(), 8)
    if (Number.isNaN(bytes)) throw new BuildError(`The archive is damaged at byte ${at}.`)
    const from = at + blockBytes
    if (from + bytes > tar.length) throw new BuildError(`The archive ends in the middle of ${name}.`)
    const prefix = text(header, 345, 155)
    if ((prefix === '' ? name : `${prefix}/${name}`) === path) return tar.subarray(from, from + bytes)
    at = from + Math.ceil(bytes / blockBytes) * blockBytes
  }
  throw new BuildError(`The archive does not contain ${path}.`)
}

function gunzip(archive: Uint8Array): Buffer {
  try {
    return gunzipSync(archive)
  } catch (error) {
    throw new BuildError('The archive is not a complete gzip file.', { cause: error })
  }
}

function text(header: Uint8Array, from: number, bytes: number): string {
  const field = Buffer.from(header.subarray(from, from + bytes))
  const end = field.indexOf(0)
  return field.toString('latin1', 0, end < 0 ? bytes : end)
}
