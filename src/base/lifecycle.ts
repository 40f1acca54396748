// SPDX-License-Identifier: Apache-2.0
/** Runs `work` at the first call and returns the same promise at every later one. */
export function once<T>(work: () => Promise<T>): () => Promise<T> {
  let started: Promise<T> | undefined
  return () => {
    started ??= work()
    return started
  }
}
