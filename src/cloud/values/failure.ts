/**
 * The error codes of this cloud. The three that the public sources name are the real ones [TR50 2.4]; the list of the real
 * cloud is not public, so the others are its own, all negative.
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

/** Why a command is answered with `success: false`. */
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

export const notFound = (what: string) => new CommandFailure(codes.notFound, `${what} is not known`)
export const badParameter = (what: string) => new CommandFailure(codes.badParameter, what)
