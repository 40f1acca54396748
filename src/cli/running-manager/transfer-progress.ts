// SPDX-License-Identifier: Apache-2.0
import type { JsonObject } from '../../base/json.ts'
import { bytesText } from '../shell/bytes-text.ts'
import type { Terminal } from '../shell/command.ts'

/** Shows the progress of a transfer in one line of a terminal, and writes nothing where stderr is no terminal. */
export class TransferLine {
  readonly #terminal: Terminal
  #shown = false

  constructor(terminal: Terminal) {
    this.#terminal = terminal
  }

  show(facts: JsonObject): void {
    const text = textOf(facts)
    if (!this.#terminal.errIsTty || text === undefined) return
    this.#terminal.err(`\r\u001b[K${text}`)
    this.#shown = true
  }

  /** Erases the line. */
  clear(): void {
    if (this.#shown) this.#terminal.err('\r\u001b[K')
    this.#shown = false
  }
}

function textOf({ transferredBytes, totalBytes, waitsFor }: JsonObject): string | undefined {
  if (waitsFor === 'link') return 'no connection to the cloud; waiting for it'
  if (typeof transferredBytes !== 'number') return undefined
  const total = typeof totalBytes === 'number' && totalBytes > 0 ? totalBytes : undefined
  const part = total === undefined ? '' : ` of ${bytesText(total)}, ${Math.floor((transferredBytes / total) * 100)} %`
  return `${bytesText(transferredBytes)}${part}`
}
