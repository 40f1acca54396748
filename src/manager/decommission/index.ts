export { decommissionAction } from './decommission-action.ts'
export { Decommissioning } from './decommissioning.ts'
