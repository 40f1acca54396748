// SPDX-License-Identifier: Apache-2.0
import { AgentError, type AgentErrorOptions, type ErrorCode } from '../../../base/errors.ts'
import { Status } from '../../../protocol/status.ts'

/** A step of an update that failed, with the status that its acknowledgement carries [TR50 7.4]. */
export class UpdateError extends AgentError {
  readonly status: Status

  constructor(code: ErrorCode, status: Status, message: string, options: AgentErrorOptions = {}) {
    super(code, message, options)
    this.status = status
  }
}

/** The unpacked files cannot be verified as the accepted package: none of its scripts may run any more. */
export class UnverifiedPackage extends UpdateError {}

/** The package is broken, or has content that no package may have. */
export function badPackage(problem: string, cause?: unknown): UpdateError {
  return new UpdateError('PACKAGE_INVALID', Status.IoError, problem, { cause })
}

/** A rule of the owner refuses the package. */
export function refusedPackage(why: string): UpdateError {
  return new UpdateError('POLICY_REFUSED', Status.NoPermission, `The package is refused: ${why}.`)
}
