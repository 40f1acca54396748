// SPDX-License-Identifier: Apache-2.0
import { leaveFirstProcess } from '../../platform/process/first-process.ts'
import type { Terminal } from './command.ts'

/** For commands that run for long: process 1 must wait for every orphan, so a shell takes that place. Warns when it cannot. */
export function warnOfOrphans(terminal: Terminal): void {
  const why = leaveFirstProcess()
  if (why !== undefined) terminal.err(`device-cloud: warning: ${why}.\n`)
}
