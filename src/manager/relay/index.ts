// SPDX-License-Identifier: Apache-2.0
/** Remote access: sessions of the cloud's relay with services of this device [TR50 6], loaded with the first one. */
export { RemoteAccess } from './remote-access.ts'
