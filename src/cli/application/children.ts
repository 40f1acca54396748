import { ownExecutable } from '../../platform/process/own-executable.ts'
import { isTraced } from '../shell/report-error.ts'

/**
 * Lets fork() and cluster start what they start as this application was started, the library included: they put `process.execArgv`
 * between the program and the script.
 */
export function leadChildrenIntoRun(): void {
  const [, script] = process.argv
  const own = ownExecutable() === undefined && script !== undefined ? [...process.execArgv, script] : []
  process.execArgv = [...own, 'run', ...(isTraced() ? ['--trace'] : [])]
}
