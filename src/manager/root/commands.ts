export { type RootStep, rootSteps } from './root-request.ts'
export { rootStep } from './root-step.ts'
