export { runPreflight } from './preflight.ts'
export { runTrial } from './trial.ts'
