// SPDX-License-Identifier: Apache-2.0
/** The known name that is closest to the written one; undefined when none is close. */
export function closestName(written: string, known: readonly string[]): string | undefined {
  const text = written.toLowerCase()
  let best: string | undefined
  // A third of the letters may differ, but never so many that any short name fits.
  let bestDistance = Math.min(3, Math.floor(text.length / 3)) + 1
  for (const name of known) {
    const distance = editDistance(text.slice(0, 64), name.toLowerCase())
    if (distance < bestDistance) {
      best = name
      bestDistance = distance
    }
  }
  return best
}

/** Letters to insert, remove, change or swap with their neighbour to turn `from` into `to`. */
function editDistance(from: string, to: string): number {
  let before: number[] = []
  let last = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let row = 1; row <= from.length; row++) {
    const present = [row]
    for (let column = 1; column <= to.length; column++) {
      const changed = (last[column - 1] ?? 0) + (from[row - 1] === to[column - 1] ? 0 : 1)
      let least = Math.min((last[column] ?? 0) + 1, (present[column - 1] ?? 0) + 1, changed)
      if (row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1])
        least = Math.min(least, (before[column - 2] ?? 0) + 1)
      present.push(least)
    }
    before = last
    last = present
  }
  return last[to.length] ?? 0
}
