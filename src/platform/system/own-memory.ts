// SPDX-License-Identifier: Apache-2.0
import { totalmem } from 'node:os'
import { getHeapStatistics } from 'node:v8'
import { systemText } from './system-file.ts'

/**
 * Bytes of this process that no file backs, so that only the process itself can free them: RssAnon. Undefined where the kernel does
 * not report it (before Linux 4.5, no /proc). `root` is another folder in tests.
 */
export async function readPrivateBytes(root = '/'): Promise<number | undefined> {
  const kilobytes = /^RssAnon:\s+(\d+) kB$/m.exec((await systemText(root, 'proc/self/status')) ?? '')?.[1]
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024
}

/** Bytes of this process that are in memory now; undefined where the system does not report it (no /proc). */
export function residentBytes(): number | undefined {
  try {
    return process.memoryUsage.rss()
  } catch {
    return undefined
  }
}

/** Bytes in the JavaScript heap. */
export function heapUsedBytes(): number {
  return getHeapStatistics().used_heap_size
}

/** Bytes of memory that this process may use at all: those of the machine, or of its control group when that has fewer. */
export function memoryOfMachine(): number {
  const machine = totalmem()
  // 0 and enormous numbers mean that there is no limit.
  const group = process.constrainedMemory()
  return group > 0 && group < machine ? group : machine
}
