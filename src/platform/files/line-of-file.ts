// SPDX-License-Identifier: Apache-2.0
import { readFileSync, statSync } from 'node:fs'

const maxBytes = 4 * 1024 * 1024
/** A longer line was made by a program, and is of no use to a person. */
const maxChars = 300

/** Line `number` (from 1) of a text file, to show it to a person while the process ends; undefined when it cannot be read. */
export function lineOfFile(path: string, number: number): string | undefined {
  try {
    const { size } = statSync(path)
    if (size > maxBytes) return undefined
    const line = readFileSync(path, 'utf8').split(/\r?\n/)[number - 1]
    return line === undefined || line.length > maxChars ? undefined : line
  } catch {
    return undefined
  }
}
