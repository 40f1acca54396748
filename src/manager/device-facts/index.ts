// SPDX-License-Identifier: Apache-2.0
/** What the cloud learns about this machine: attributes, services of remote access, health samples, `get_remote_access_info`. */
export { DeviceFacts } from './device-facts.ts'
