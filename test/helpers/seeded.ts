// SPDX-License-Identifier: Apache-2.0
/** Chance that is the same in every run (mulberry32): numbers from 0 to below 1. */
export function seededChance(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Whole numbers from 0 to below the given one. */
export type Dice = (below: number) => number

export function seeded(seed: number): Dice {
  const chance = seededChance(seed)
  return below => Math.floor(chance() * below)
}

/** One of several. */
export function oneOf<T>(dice: Dice, choices: readonly T[]): T {
  return choices[dice(choices.length)] as T
}
