import type { Terminal } from '../../src/cli/command.ts'

/** A terminal that keeps what a command writes. */
export function memoryTerminal(options: { tty?: boolean } = {}): Terminal & { outText(): string; errText(): string } {
  const { tty = false } = options
  let out = ''
  let err = ''
  return {
    outIsTty: tty,
    errIsTty: tty,
    out: text => {
      out += text
    },
    err: text => {
      err += text
    },
    outText: () => out,
    errText: () => err,
  }
}
