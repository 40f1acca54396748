// SPDX-License-Identifier: Apache-2.0
/** The configuration of a manager as it holds now: settings, what mistakes or other owners have closed, and the warnings. */
export { Configuration } from './configuration.ts'
export type { ManagerPlace, OwnConfig } from './manager-config.ts'
