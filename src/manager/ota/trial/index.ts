export { AgentSlot } from './agent-slot.ts'
export type { TrialEnd, TrialParts } from './trial.ts'
