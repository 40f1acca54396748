// SPDX-License-Identifier: Apache-2.0
/** `decommission_device`: what is removed when the device is taken out of service. */
export { Decommissioning } from './decommissioning.ts'
