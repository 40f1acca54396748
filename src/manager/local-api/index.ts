export { localRequests } from './requests.ts'
export { LocalSocketServer } from './server.ts'
export { socketFileName } from './socket-path.ts'
