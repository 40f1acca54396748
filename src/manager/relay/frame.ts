// SPDX-License-Identifier: Apache-2.0
/** How a session frames its bytes: not known yet, one channel without an index, or an index before each message [TR50 6.3]. */
export type Framing = 'none' | 'single' | 'multi'

/** A message of the relay. */
export type Frame =
  /** The client of a single-channel session has connected. */
  | { readonly kind: 'start' }
  | { readonly kind: 'connect'; readonly index: number }
  | { readonly kind: 'disconnect'; readonly index: number }
  | { readonly kind: 'data'; readonly index: number; readonly bytes: Buffer }
  /** It is for no channel. */
  | { readonly kind: 'stray' }

const startMark = Buffer.from('CONNECTED-129812')
const connectMark = Buffer.from('CONNECTED-581273')
const disconnectMark = Buffer.from('DISCONNECTED-581273')
const stray: Frame = { kind: 'stray' }

/**
 * Reads one message. A marker counts only as a whole message [TR50 6.5 rule 1]. A binary message may be data: there a marker
 * counts only where it is possible, a connect for a channel that is not open, a disconnect for a channel that is.
 *
 * @param isOpen whether a channel has, or is being given, a local connection
 */
export function readFrame(
  message: Buffer,
  isBinary: boolean,
  framing: Framing,
  isOpen: (index: number) => boolean,
): Frame {
  const { index, length } = readIndex(message, isBinary)
  const rest = message.subarray(length)
  if (framing === 'multi') {
    if (index === undefined) return stray
    if (rest.equals(connectMark) && !(isBinary && isOpen(index))) return { kind: 'connect', index }
    if (rest.equals(disconnectMark) && !(isBinary && !isOpen(index))) return { kind: 'disconnect', index }
    return { kind: 'data', index, bytes: rest }
  }
  const mayBeData = framing === 'single' && isBinary && isOpen(0)
  if (!mayBeData) {
    if (message.equals(startMark)) return { kind: 'start' }
    if (index !== undefined && rest.equals(connectMark)) return { kind: 'connect', index }
    if (framing === 'single' && index === 0 && rest.equals(disconnectMark)) return { kind: 'disconnect', index }
  }
  return framing === 'single' ? { kind: 'data', index: 0, bytes: message } : stray
}

/** The channel index before a message: its first byte, or in a text the code of its first character [TR50 6.3]. */
function readIndex(message: Buffer, isBinary: boolean): { index: number | undefined; length: number } {
  const [first, second] = message
  if (first === undefined) return { index: undefined, length: 0 }
  if (isBinary || first < 0x80) return { index: first, length: 1 }
  // U+0080 to U+00FF in UTF-8; what comes after is beyond 255.
  if ((first === 0xc2 || first === 0xc3) && second !== undefined)
    return { index: ((first & 0x03) << 6) | (second & 0x3f), length: 2 }
  return { index: undefined, length: 0 }
}

/** Bytes of a local service as a message, to be sent as binary; a single-channel session has no index. */
export function dataMessage(index: number | undefined, bytes: Buffer): Buffer {
  if (index === undefined) return bytes
  const message = Buffer.allocUnsafe(bytes.length + 1)
  message[0] = index
  bytes.copy(message, 1)
  return message
}

/** Reports that the local service of a channel has closed; to be sent as text, which the cloud requires [TR50 6.3]. */
export function disconnectMessage(index: number): string {
  return `${String.fromCharCode(index)}${disconnectMark}`
}
