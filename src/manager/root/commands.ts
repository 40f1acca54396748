// SPDX-License-Identifier: Apache-2.0
/** The step that the supervisor of the service runs as root. */
export { type RootStep, rootSteps } from './root-request.ts'
export { rootStep } from './root-step.ts'
