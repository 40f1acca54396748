// SPDX-License-Identifier: Apache-2.0
/** Names in the runtime folder that other processes of the device know as well. */

/** The local socket. */
export const socketFileName = 'device-cloud.sock'
/** The lock: it names the process that uses the folder. */
export const lockFileName = 'device-cloud.lock'
