export { Configuration } from './configuration.ts'
export type { ManagerPlace, OwnConfig } from './manager-config.ts'
