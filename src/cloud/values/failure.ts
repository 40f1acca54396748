// SPDX-License-Identifier: Apache-2.0
/**
 * The error codes of this cloud. Those that public sources name are the real ones [TR50 2.4]; the real cloud's list is not
 * public, so the others are made up here. All are negative.
 */
export const codes = {
  notFound: -90008,
  endOfResults: -90058,
  malformed: -90100,
  unknownCommand: -90101,
  badParameter: -90102,
  notPermitted: -90103,
  notLoggedIn: -90104,
  badLogin: -90105,
  alreadyExists: -90106,
  ackTimeout: -90107,
  alreadyCompleted: -90108,
  tooLarge: -90109,
  rateLimit: -90110,
  expired: -90111,
  internal: -90199,
} as const

/** Thrown by a command; its reply is then `success: false` with these codes and messages. */
export class CommandFailure extends Error {
  readonly errorCodes: readonly number[]
  readonly errorMessages: readonly string[]

  constructor(errorCodes: number | readonly number[], errorMessages: string | readonly string[]) {
    super(typeof errorMessages === 'string' ? errorMessages : errorMessages.join('; '))
    this.name = 'CommandFailure'
    this.errorCodes = typeof errorCodes === 'number' ? [errorCodes] : errorCodes
    this.errorMessages = typeof errorMessages === 'string' ? [errorMessages] : errorMessages
  }
}

/** @param what begins the sentence, such as `Thing key` */
export const notFound = (what: string) => new CommandFailure(codes.notFound, `${what} is not known.`)
/** @param message a full sentence */
export const badParameter = (message: string) => new CommandFailure(codes.badParameter, message)
