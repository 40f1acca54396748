export { RemoteAccess } from './remote-access.ts'
export { type OpenRelay, remoteAccessAction } from './remote-access-action.ts'
