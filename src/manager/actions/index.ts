// SPDX-License-Identifier: Apache-2.0
/** Actions that the cloud calls: what one is made of, how the list of them is registered, and those that need no other room. */
export type { ActionOutcome, ManagedAction } from './action.ts'
export { answerFirst } from './answer-first.ts'
export { failureOutcome } from './failure-outcome.ts'
export { BadParameter, booleanParam, textParam } from './params.ts'
export { type PowerRoot, processActions } from './process-actions.ts'
export { registerActions } from './register-actions.ts'
