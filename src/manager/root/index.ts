export { type RootConfig, readRootConfig, rootConfigPath, rootConfigText, trustedRootConfig } from './root-config.ts'
export { type RootStep, requestFileName, rootSteps } from './root-request.ts'
export { RootSide, rootSideVariable, untilDown } from './root-side.ts'
