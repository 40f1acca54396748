export { ownershipClosures } from './ownership.ts'
