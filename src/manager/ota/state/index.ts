// SPDX-License-Identifier: Apache-2.0
/** The states of an update: pure steps, what a new process makes of a state, and where all of it is kept on flash. */
export { firstState, nextState, withOrder, withScript } from './machine.ts'
export { type UpdatePlaces, updatePlaces, weakUpdatePlaces, whyNotSound, whyNotStarted } from './places.ts'
export { maxTries, type RecoveryFacts, resume } from './recovery.ts'
export { defaultLogName, nameProblem, readUpdateRequest, type UpdateRequest } from './request.ts'
export { damagedState, readStateText } from './state-file.ts'
export { aboutBuild, agreedVersion, speaks, trialVersions, versionsSaid, versionsText } from './trial-protocol.ts'
export { UpdateJournal } from './update-journal.ts'
export {
  hasSucceeded,
  isTrial,
  rebootsAtEnd,
  type Step,
  type StepResult,
  scriptSteps,
  type UpdateState,
} from './update-state.ts'
