import { leaveFirstProcess } from '../platform/process/first-process.ts'
import type { Terminal } from './command.ts'

/** For commands that live long: process 1 has to wait for every orphan, which a shell does in its place. */
export function warnOfOrphans(terminal: Terminal): void {
  const why = leaveFirstProcess()
  if (why !== undefined) terminal.err(`device-cloud: warning: ${why}.\n`)
}
