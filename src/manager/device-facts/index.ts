export { HealthReporter } from './health-reporter.ts'
export { MachineFacts } from './machine-facts.ts'
export { relayVersion } from './platform-attributes.ts'
export { remoteAccessInfoAction } from './remote-access-info.ts'
