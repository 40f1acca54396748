// SPDX-License-Identifier: Apache-2.0
import type { Terminal } from '../../src/cli/shell/command.ts'

/** A terminal that keeps what a command writes. */
export function memoryTerminal(
  options: { tty?: boolean } = {},
): Terminal & { outText(): string; errText(): string; outBuffer(): Buffer } {
  const { tty = false } = options
  let out = ''
  const bytes: Uint8Array[] = []
  let err = ''
  return {
    outIsTty: tty,
    errIsTty: tty,
    out: text => {
      out += text
    },
    outBytes: async chunk => {
      bytes.push(chunk)
    },
    err: text => {
      err += text
    },
    outText: () => out,
    outBuffer: () => Buffer.concat(bytes),
    errText: () => err,
  }
}
