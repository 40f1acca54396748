// SPDX-License-Identifier: Apache-2.0
/** Outcome of an action, as it travels in `mailbox.ack` and comes back to the operator [TR50 2.4]. */
export const Status = {
  Success: 0,
  /** Not an end: the handler acknowledges later. */
  Invoked: 1,
  BadParameter: 2,
  BadRequest: 3,
  ExecutionError: 4,
  AlreadyExists: 5,
  FileOpenFailed: 6,
  Full: 7,
  IoError: 8,
  OutOfMemory: 9,
  NoPermission: 10,
  NotExecutable: 11,
  NotFound: 12,
  NotInitialized: 13,
  OutOfRange: 14,
  ParseError: 15,
  TimedOut: 16,
  TryAgain: 17,
  NotSupported: 18,
  Failure: 19,
} as const
export type Status = (typeof Status)[keyof typeof Status]

/** Whether `value` is one of the twenty status codes. */
export function isStatus(value: unknown): value is Status {
  return typeof value === 'number' && Number.isInteger(value) && value >= Status.Success && value <= Status.Failure
}

/** Error codes of the cloud that the agent acts on; they are negative [TR50 2.4]. */
export const CloudError = {
  /** The thing, value or file does not exist. */
  NotFound: -90008,
} as const
