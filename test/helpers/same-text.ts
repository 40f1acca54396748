// SPDX-License-Identifier: Apache-2.0
/** Holds a file to what a program would write, and shows a stale one as a short diff. */
import assert from 'node:assert/strict'

/** Fails with the lines that differ, `-` as they are and `+` as they should be, and with the command that mends the file. */
export function assertSameText(is: string, shouldBe: string, file: string, command: string): void {
  if (is === shouldBe) return
  assert.fail(`${file} is stale; "${command}" writes it anew:\n${changedLines(is, shouldBe).join('\n')}`)
}

/** The lines that are only in one of two texts, in their order; at most `limit` of them. */
export function changedLines(is: string, shouldBe: string, limit = 30): string[] {
  const [old, fresh] = [is.split('\n'), shouldBe.split('\n')]
  const common = commonCounts(old, fresh)
  const changes: string[] = []
  for (let [at, to] = [0, 0]; at < old.length || to < fresh.length; ) {
    if (at < old.length && old[at] === fresh[to]) {
      at++
      to++
    } else if (to >= fresh.length || (at < old.length && countAt(common, at + 1, to) >= countAt(common, at, to + 1)))
      changes.push(`- ${old[at++]}`)
    else changes.push(`+ ${fresh[to++]}`)
  }
  const more = changes.length - limit
  return more > 0 ? [...changes.slice(0, limit), `… and ${more} more lines`] : changes
}

type Counts = readonly (readonly number[])[]

/** How many lines the ends of two texts, from each pair of places on, can have in common. */
function commonCounts(old: readonly string[], fresh: readonly string[]): Counts {
  const counts: number[][] = old.map(() => [])
  for (let at = old.length - 1; at >= 0; at--)
    for (let to = fresh.length - 1; to >= 0; to--) {
      const row = counts[at] ?? []
      row[to] =
        old[at] === fresh[to]
          ? countAt(counts, at + 1, to + 1) + 1
          : Math.max(countAt(counts, at + 1, to), countAt(counts, at, to + 1))
    }
  return counts
}

function countAt(counts: Counts, at: number, to: number): number {
  return counts[at]?.[to] ?? 0
}
