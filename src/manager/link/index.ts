// SPDX-License-Identifier: Apache-2.0
/** The link of the manager to the cloud: its log, its latest trouble for `status`, and the end of the manager by `keep_alive`. */
export { Link, type Trouble } from './link.ts'
