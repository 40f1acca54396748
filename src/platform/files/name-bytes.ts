// SPDX-License-Identifier: Apache-2.0
import { isUtf8 } from 'node:buffer'

/**
 * File names are bytes, and need not be UTF-8: Linux forbids `/` and NUL only. As a text, each byte that is not part of UTF-8 is the
 * lone surrogate U+DC80 to U+DCFF that ends in it, as in Python: so such a name can be sorted, joined and compared like any
 * other, and leads back to its file.
 */
const lone = /[\udc80-\udcff]/u

/** The text that stands for the bytes of a name or path. */
export function nameOf(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString()
  let text = ''
  for (let at = 0; at < bytes.length; ) {
    const part = bytes.subarray(at, at + lengthFrom(bytes[at] ?? 0))
    if (isUtf8(part)) {
      text += part.toString()
      at += part.length
    } else text += String.fromCharCode(0xdc00 + (bytes[at++] ?? 0))
  }
  return text
}

/** The number of bytes of a character, by its first byte. */
function lengthFrom(first: number): number {
  if (first < 0xc0) return 1
  if (first < 0xe0) return 2
  return first < 0xf0 ? 3 : 4
}

/** What to pass to the system for any path, also one of {@link nameOf}: its very bytes where a text cannot express them. */
export function pathBytes(path: string): string | Buffer {
  return lone.test(path) ? rawBytes(path) : path
}

/** The bytes of a path, one of {@link nameOf} or any other. */
export function rawBytes(path: string): Buffer {
  if (!lone.test(path)) return Buffer.from(path)
  return Buffer.concat([...path].map(one => (lone.test(one) ? Buffer.of(one.charCodeAt(0) & 0xff) : Buffer.from(one))))
}

/** The one text for a file whose path can be written in several: a caller may give the bytes of a UTF-8 letter one by one. */
export function oneText(path: string): string {
  return nameOf(rawBytes(path))
}

/** Whether a name of {@link nameOf} is UTF-8, and so a text for other programs as well. */
export function isText(name: string): boolean {
  return !/\p{Surrogate}/u.test(name)
}

/** How many characters of a path a message shows at most. */
const maxShown = 200

/** A name or path for people: bytes that are not UTF-8 and control characters are shown as `\xE9`, and a very long name is cut. */
export function shownName(name: string, maxLetters = maxShown): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
  const odd = /[\u0000-\u001f\u007f-\u009f]|\p{Surrogate}/gu
  const shown = odd.test(name) ? name.replaceAll('\\', '\\\\').replace(odd, escaped) : name
  const letters = [...shown]
  return letters.length > maxLetters ? `${letters.slice(0, maxLetters).join('')}…` : shown
}

function escaped(one: string): string {
  const code = one.charCodeAt(0)
  const byte = code < 0x100 ? code : code & 0xff
  return `\\x${byte.toString(16).toUpperCase().padStart(2, '0')}`
}
