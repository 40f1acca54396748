import type { JsonObject } from '../base/json.ts'
import type { Terminal } from './command.ts'

/** Shows how far a transfer is, in one line of a terminal; says nothing where nobody watches. */
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

  /** Takes the line away. */
  clear(): void {
    if (this.#shown) this.#terminal.err('\r\u001b[K')
    this.#shown = false
  }
}

function textOf({ transferredBytes, totalBytes, waitsFor }: JsonObject): string | undefined {
  if (waitsFor === 'link') return 'no link to the cloud; waiting for it'
  if (typeof transferredBytes !== 'number') return undefined
  const total = typeof totalBytes === 'number' && totalBytes > 0 ? totalBytes : undefined
  const part = total === undefined ? '' : ` of ${bytesText(total)}, ${Math.floor((transferredBytes / total) * 100)} %`
  return `${bytesText(transferredBytes)}${part}`
}

const units = ['B', 'kB', 'MB', 'GB', 'TB']

/** `1.5 MB`. */
export function bytesText(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`
}
