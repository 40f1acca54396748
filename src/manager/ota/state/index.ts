export {
  firstState,
  hasSucceeded,
  isTrial,
  maxTries,
  nextState,
  type RecoveryFacts,
  rebootsAtEnd,
  resume,
  type Step,
  type StepResult,
  scriptSteps,
  type UpdateState,
  withOrder,
  withScript,
} from './machine.ts'
export { type UpdatePlaces, updatePlaces, weakUpdatePlaces, whyNotSound, whyNotStarted } from './places.ts'
export { defaultLogName, nameProblem, readUpdateRequest, type UpdateRequest } from './request.ts'
export { damagedState, readStateText } from './state-file.ts'
export { aboutBuild, agreedVersion, speaks, trialVersions, versionsSaid, versionsText } from './trial-protocol.ts'
export { UpdateJournal } from './update-journal.ts'
