// SPDX-License-Identifier: Apache-2.0
/** Figures of a run, and of a process. */
import { readFileSync } from 'node:fs'

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/** Memory of a process that no file backs, in MB: what it costs a device for good. */
export function anonymousMegabytes(pid: number | 'self'): number {
  const found = /^RssAnon:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  if (found === null) throw new Error(`/proc/${pid}/status has no RssAnon`)
  return Number(found[1]) / 1024
}
