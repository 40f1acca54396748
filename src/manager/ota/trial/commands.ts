// SPDX-License-Identifier: Apache-2.0
/** The preflight and the trial run of a new executable: loaded only while an update brings one. */
export { runPreflight } from './preflight.ts'
export { runTrial } from './trial.ts'
