// SPDX-License-Identifier: Apache-2.0
import { ownExecutable } from '../../platform/process/own-executable.ts'
import { isTraced } from '../shell/report-error.ts'

/**
 * Makes fork() and cluster start their children as this application was started, with the library: they put `process.execArgv`
 * between the program and the script.
 */
export function leadChildrenIntoRun(): void {
  const [, script] = process.argv
  const own = ownExecutable() === undefined && script !== undefined ? [...process.execArgv, script] : []
  process.execArgv = [...own, 'run', ...(isTraced() ? ['--trace'] : [])]
}
