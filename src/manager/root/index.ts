// SPDX-License-Identifier: Apache-2.0
/** Root's part of a manager that is not root: its configuration, and the manager's side, which asks for steps and finds their results. */
export { type RootConfig, readRootConfig, rootConfigPath, rootConfigText, trustedRootConfig } from './root-config.ts'
export { type RootStep, requestFileName, rootSteps } from './root-request.ts'
export { RootSide, rootSideVariable, untilDown } from './root-side.ts'
