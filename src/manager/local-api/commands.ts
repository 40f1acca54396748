export { askManager } from './client.ts'
export { socketFileName } from './socket-path.ts'
