// SPDX-License-Identifier: Apache-2.0
/** Whether the manager makes progress: signs of life for the init system, and the end of a process that is stalled. */
export { LifeSigns } from './life-signs.ts'
export { type ProgressSigns, progressSigns } from './progress.ts'
