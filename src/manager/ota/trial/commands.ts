export { runProbation } from './probation.ts'
export { runTrial } from './trial.ts'
