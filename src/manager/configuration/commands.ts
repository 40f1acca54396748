// SPDX-License-Identifier: Apache-2.0
/** What a command must know of a configuration before it trusts it. */
export { ownershipClosures } from './ownership.ts'
