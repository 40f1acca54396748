// SPDX-License-Identifier: Apache-2.0
/** The service of the manager under the init systems: installed, removed and looked at by the command line. */
export { initSystems } from './init-system.ts'
export { type Installation, installService } from './install-service.ts'
export { isServiceRunning } from './running-service.ts'
export { defaultPlan } from './service-plan.ts'
export { type ServiceUser, serviceUser } from './service-user.ts'
export { uninstallService } from './uninstall-service.ts'
