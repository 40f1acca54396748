// SPDX-License-Identifier: Apache-2.0
/** The private memory of the manager: collection of garbage, the soft limit, and the restart that it may order. */
export { memoryWatchOf } from './manager-memory.ts'
export type { NoteFile } from './memory-events.ts'
export type { MemoryTimes, MemoryWatch } from './memory-watch.ts'
export { softLimitBytes } from './soft-limit.ts'
