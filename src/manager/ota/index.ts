// SPDX-License-Identifier: Apache-2.0
/**
 * Software updates [TR50 7]: `software_update` for the manager ({@link ManagerUpdates}); the parts of an update that root carries out;
 * and the slot of the agent's own executable, for the process that starts a new one.
 */
export type { RootInstaller } from './by-root.ts'
export { ManagerUpdates } from './manager-updates.ts'
export { packageKind, parsePublicKey, UpdateError } from './package/index.ts'
export {
  defaultLogName,
  nameProblem,
  speaks,
  trialVersions,
  UpdateJournal,
  updatePlaces,
  versionsText,
  weakUpdatePlaces,
} from './state/index.ts'
export { AgentSlot, type TrialEnd, type TrialParts } from './trial/index.ts'
export { outcomeOf } from './update-reports.ts'
export { Updates } from './updates.ts'
