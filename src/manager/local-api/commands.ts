/** How the command line asks the running manager. */
export { askManager } from './client.ts'
