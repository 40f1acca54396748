import { AgentError, type AgentErrorOptions, type ErrorCode } from '../../base/errors.ts'
import { Status } from '../../protocol/status.ts'

/** A step of an update that failed, with the status that its acknowledgement carries [TR50 7.4]. */
export class UpdateError extends AgentError {
  readonly status: Status

  constructor(code: ErrorCode, status: Status, message: string, options: AgentErrorOptions = {}) {
    super(code, message, options)
    this.status = status
  }
}

/** The package is broken, or holds what no package may hold. */
export function badPackage(problem: string, cause?: unknown): UpdateError {
  return new UpdateError('PACKAGE_INVALID', Status.IoError, problem, cause === undefined ? {} : { cause })
}
