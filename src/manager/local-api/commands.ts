// SPDX-License-Identifier: Apache-2.0
/** How the command line asks the running manager. */
export { askManager } from './client.ts'
