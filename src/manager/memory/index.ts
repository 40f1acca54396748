export { memoryWatchOf } from './manager-memory.ts'
export type { MemoryTimes, MemoryWatch } from './memory-watch.ts'
export type { NoteFile } from './restart-note.ts'
export { softLimitBytes } from './soft-limit.ts'
