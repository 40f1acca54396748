export { LifeSigns } from './life-signs.ts'
export { type ProgressSigns, progressSigns } from './progress.ts'
