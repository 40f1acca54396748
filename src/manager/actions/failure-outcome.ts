// SPDX-License-Identifier: Apache-2.0
import { AgentError, type ErrorCode, messageOf } from '../../base/errors.ts'
import { CloudError, Status } from '../../protocol/status.ts'
import type { ActionOutcome } from './action.ts'
import { BadParameter } from './params.ts'

const statusOfCode: Partial<Record<ErrorCode, Status>> = {
  INVALID_ARGUMENT: Status.BadParameter,
  FILE_NOT_FOUND: Status.NotFound,
  FILE_ACCESS: Status.IoError,
  CHECKSUM_MISMATCH: Status.IoError,
  DISK_FULL: Status.Full,
  OUTBOX_FULL: Status.Full,
  TIMEOUT: Status.TimedOut,
  NOT_CONNECTED: Status.TryAgain,
  LINK_LOST: Status.TryAgain,
  THROTTLED: Status.TryAgain,
  ABORTED: Status.TryAgain,
  CLOSED: Status.TryAgain,
  PATH_REFUSED: Status.NoPermission,
  POLICY_REFUSED: Status.NoPermission,
  LIMIT_EXCEEDED: Status.OutOfRange,
  NOT_SUPPORTED: Status.NotSupported,
  EXECUTION_FAILED: Status.ExecutionError,
}

/** The outcome of an action that threw: the nearest status of [TR50 2.4], and the message of the error. */
export function failureOutcome(error: unknown): ActionOutcome {
  if (error instanceof BadParameter) return error.outcome
  if (!(error instanceof AgentError)) return { status: Status.Failure, message: messageOf(error) }
  return { status: statusOf(error), message: error.message }
}

function statusOf(error: AgentError): Status {
  const { errorCodes } = error.details
  if (Array.isArray(errorCodes) && errorCodes.includes(CloudError.NotFound)) return Status.NotFound
  return statusOfCode[error.code] ?? Status.Failure
}
