// SPDX-License-Identifier: Apache-2.0
/** The local socket of the manager: `status`, `log`, `ping`, samples, transfers and the end of remote access for this device's programs. */
export { LocalApi } from './local-api.ts'
