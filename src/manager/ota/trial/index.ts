// SPDX-License-Identifier: Apache-2.0
/** Where a new executable of the agent waits, and how its trial run ended. */
export { AgentSlot } from './agent-slot.ts'
export type { TrialEnd, TrialParts } from './trial.ts'
