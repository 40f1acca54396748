// SPDX-License-Identifier: Apache-2.0
/** The output of the tour on the terminal. */
const colored = process.stdout.isTTY === true && process.env.NO_COLOR === undefined
const paint = (code: number, text: string) => (colored ? `\u001b[${code}m${text}\u001b[0m` : text)

export const bold = (text: string) => paint(1, text)
export const dim = (text: string) => paint(2, text)
export const green = (text: string) => paint(32, text)

export function say(text = ''): void {
  process.stdout.write(`${barIsOpen ? '\n' : ''}${text}\n`)
  barIsOpen = false
}

export function heading(text: string): void {
  say(`\n${bold(text)}`)
}

/** Prints two columns. */
export function table(rows: readonly (readonly [name: string, value: string])[]): void {
  const width = Math.max(...rows.map(([name]) => name.length))
  for (const [name, value] of rows) say(`  ${name.padEnd(width)}  ${value}`)
}

const redrawMs = 80
/** Whether the cursor is behind an unfinished bar. */
let barIsOpen = false

/** A bar that grows in place on a terminal; elsewhere one line at its end. */
export function progressBar(label: string): (doneBytes: number, totalBytes: number) => void {
  const width = 30
  let finished = false
  let drawnMs = 0
  return (doneBytes, totalBytes) => {
    if (finished) return
    finished = doneBytes >= totalBytes
    if (!finished && performance.now() - drawnMs < redrawMs) return
    drawnMs = performance.now()
    if (!finished && process.stdout.isTTY !== true) return
    const part = totalBytes === 0 ? 1 : doneBytes / totalBytes
    const bar = '█'.repeat(Math.round(part * width)).padEnd(width, '░')
    const line = `  ${label} ${bar} ${String(Math.round(part * 100)).padStart(3)} %  ${megabytes(doneBytes)} of ${megabytes(totalBytes)}`
    barIsOpen = !finished
    process.stdout.write(process.stdout.isTTY === true ? `\r${line}${finished ? '\n' : ''}` : `${line}\n`)
  }
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
