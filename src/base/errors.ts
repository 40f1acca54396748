// SPDX-License-Identifier: Apache-2.0
/** One row of the error table: what the code means to a user. The table of share/reference/errors.md is generated from it. */
export interface ErrorKind {
  /** One sentence: what happened. */
  readonly meaning: string
  /** What to do about it. */
  readonly remedy: string
  /** Whether the same attempt may succeed later although nothing is changed. */
  readonly retryable: boolean
  /** Exit code of a command that ends with this error. */
  readonly exitCode: 1 | 2 | 3 | 4 | 5 | 6 | 70
}

const kind = (exitCode: ErrorKind['exitCode'], retryable: boolean, meaning: string, remedy: string): ErrorKind => ({
  meaning,
  remedy,
  retryable,
  exitCode,
})

/** Every error of the agent, by code. Errors are API: codes are stable, texts are not. */
export const errorKinds = {
  USAGE: kind(2, false, 'The command line is wrong.', 'See COMMAND --help.'),
  CONFIG_INVALID: kind(3, false, 'A configuration file or setting is wrong.', 'Run "device-cloud config check".'),
  INVALID_ARGUMENT: kind(
    2,
    false,
    'A value given to the library is not allowed.',
    'See the message for what is allowed.',
  ),
  NAME_NOT_RESOLVED: kind(
    4,
    true,
    'The host name has no address.',
    'Check cloud.host and the DNS server of the device.',
  ),
  NETWORK_UNREACHABLE: kind(4, true, 'There is no route to the host.', 'Check the network link and the default route.'),
  TCP_FAILED: kind(4, true, 'The TCP connection was refused or broke.', 'Check cloud.port and firewalls on the way.'),
  PROXY_FAILED: kind(4, true, 'The proxy cannot be used.', 'Check the proxy section of the connection file.'),
  PROXY_REFUSED: kind(
    4,
    true,
    'The proxy refused to connect.',
    'Check proxy.username, proxy.password and the rules of the proxy.',
  ),
  TLS_FAILED: kind(4, true, 'The TLS handshake failed.', 'Run "device-cloud check": it shows what the server offers.'),
  CERTIFICATE_REFUSED: kind(
    4,
    true,
    'The certificate of the server is not trusted.',
    'Check ca_bundle_file and the host name.',
  ),
  CERTIFICATE_NOT_YET_VALID: kind(
    4,
    true,
    'The certificate is not valid yet: the clock of the device is behind.',
    'Set the clock (NTP).',
  ),
  CERTIFICATE_EXPIRED: kind(
    4,
    true,
    'The certificate of the server has expired, or the clock of the device is ahead.',
    'Check the clock; inform the owner of the server.',
  ),
  WEBSOCKET_REFUSED: kind(4, true, 'The server refused the WebSocket upgrade.', 'Check host, port and path.'),
  LOGIN_REFUSED: kind(
    5,
    true,
    'The cloud refused the login.',
    'Check cloud.token, and that the thing key is not locked to another client id.',
  ),
  OPERATOR_REFUSED: kind(
    5,
    false,
    'The cloud refused the login of the operator.',
    'Check user name, password and organisation; several wrong passwords lock an account for a while.',
  ),
  SESSION_TAKEN_OVER: kind(
    4,
    true,
    'The cloud closed the connection right after the login.',
    'Look for a second device with the same thing key, and in the log of the cloud.',
  ),
  THROTTLED: kind(4, true, 'The cloud asks to slow down.', 'Nothing: the agent waits and tries again.'),
  NOT_CONNECTED: kind(
    4,
    true,
    'There is no connection to the cloud.',
    'Wait for the link, or run "device-cloud check".',
  ),
  LINK_LOST: kind(4, true, 'The connection ended while waiting for an answer.', 'Nothing: the agent connects again.'),
  TIMEOUT: kind(4, true, 'No answer came in time.', 'Try again; run "device-cloud check" if it lasts.'),
  REFUSED_BY_CLOUD: kind(
    1,
    false,
    'The cloud answered with an error.',
    'See errorCodes and errorMessages in the details.',
  ),
  PROTOCOL_VIOLATION: kind(
    1,
    true,
    'The peer sent something that is not TR50.',
    'Report it with the log and the output of "device-cloud status --json".',
  ),
  LIMIT_EXCEEDED: kind(
    1,
    false,
    'Something is larger than its limit.',
    'See the message for the limit and where it is set.',
  ),
  OUTBOX_FULL: kind(
    1,
    true,
    'The sample was dropped because the outbox is full.',
    'Raise queue.max_bytes, or publish less while offline.',
  ),
  FILE_NOT_FOUND: kind(
    1,
    false,
    'The file does not exist.',
    'Check its path; for a file of the cloud, its name and store.',
  ),
  FILE_ACCESS: kind(1, false, 'The file system refused the operation.', 'Check owner, mode and mount options.'),
  DISK_FULL: kind(1, true, 'There is not enough space on the file system.', 'Free some space and try again.'),
  FILE_CHANGED: kind(
    1,
    true,
    'The file changed while it was being sent.',
    'Send it when nothing writes to it, or send a copy of it.',
  ),
  CHECKSUM_MISMATCH: kind(1, true, 'What arrived is not what was sent.', 'Try again.'),
  NOT_PROVEN: kind(
    1,
    false,
    'The cloud does not hold what the device sent.',
    'See the message; check that the thing definition and the roles in the cloud allow it.',
  ),
  HTTP_STATUS: kind(1, true, 'The file service answered with an error status.', 'See status in the details.'),
  PATH_REFUSED: kind(
    6,
    false,
    'Policy does not allow this path.',
    'See the message for the rule; file_transfer.allow names what file actions reach.',
  ),
  POLICY_REFUSED: kind(6, false, 'Policy does not allow this.', 'See the message for the setting that decides.'),
  NOT_SUPPORTED: kind(1, false, 'This system or build cannot do that.', 'See the message.'),
  EXECUTION_FAILED: kind(1, false, 'A program ended with an error.', 'See exitCode and output in the details.'),
  PACKAGE_INVALID: kind(
    1,
    false,
    'The update package cannot be used.',
    'See the message for its fault; build it again with "device-cloud ota pack".',
  ),
  MANAGER_NOT_RUNNING: kind(
    4,
    true,
    'No device manager answers on the local socket.',
    'Start "device-cloud manager", or check -c and runtime_dir.',
  ),
  ALREADY_RUNNING: kind(
    1,
    false,
    'Another process uses this runtime folder or this queue.',
    'Stop that one, or give this one a runtime_dir or an app id of its own.',
  ),
  NO_PROGRESS: kind(
    1,
    true,
    'The device manager is stalled, and ends so that the service starts it again.',
    'Nothing at first; if it comes again, report it with the log.',
  ),
  CLOSED: kind(1, false, 'The client is closed.', 'Create a new Client.'),
  ABORTED: kind(1, false, 'The caller ended the wait.', 'Nothing.'),
  INTERNAL: kind(
    70,
    false,
    'A bug in device-cloud.',
    'Report it with the log and the output of "device-cloud status --json".',
  ),
} as const satisfies Record<string, ErrorKind>

/** A code of {@link errorKinds}. */
export type ErrorCode = keyof typeof errorKinds

/** What an {@link AgentError} carries beside its code and its message. */
export interface AgentErrorOptions {
  /** The error underneath. */
  readonly cause?: unknown
  /** Facts for programs: plain JSON values, never a secret. */
  readonly details?: Readonly<Record<string, unknown>>
  /** What to do about it, in one sentence, where the code that throws knows more than the table. */
  readonly remedy?: string | undefined
}

/**
 * The one error class of the agent.
 * `message` says what failed, on what and why; `code` is stable; `details` holds facts for programs.
 */
export class AgentError extends Error {
  static {
    // Node shows the name of the class of an error, which a bundle shortens to a letter.
    Object.defineProperty(AgentError, 'name', { value: 'AgentError' })
  }

  readonly code: ErrorCode
  readonly details: Readonly<Record<string, unknown>>
  /** What to do about it, in one sentence. A field, so that Node shows it with an uncaught error. */
  readonly remedy: string
  readonly #ownRemedy: string | undefined

  constructor(code: ErrorCode, message: string, options: AgentErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'AgentError'
    this.code = code
    this.details = options.details ?? {}
    this.#ownRemedy = options.remedy
    this.remedy = options.remedy ?? errorKinds[code].remedy
  }

  /** Whether the same attempt may succeed later although nothing is changed. */
  get retryable(): boolean {
    return errorKinds[this.code].retryable
  }

  /** What its throw site says to do; undefined where the table speaks. */
  get ownRemedy(): string | undefined {
    return this.#ownRemedy
  }

  /** The exit code of a command that ends with this error. */
  get exitCode(): number {
    return errorKinds[this.code].exitCode
  }
}

/** The same error with another message: code, details and remedy stay. */
export function retold(error: AgentError, message: string, more: Readonly<Record<string, unknown>> = {}): AgentError {
  const { code, ownRemedy } = error
  const details = { ...error.details, ...more }
  return new AgentError(code, message, { cause: error, details, remedy: ownRemedy })
}

/** `error` itself when it is an {@link AgentError}; any other error was not expected and becomes `INTERNAL`. */
export function asAgentError(error: unknown): AgentError {
  if (error instanceof AgentError) return error
  if (isWithoutFolder(error))
    return new AgentError('FILE_NOT_FOUND', 'The current folder of this process does not exist any more.', {
      cause: error,
      remedy: 'Change to a folder that exists (cd /), or give absolute paths, that of the configuration with -c.',
    })
  return new AgentError('INTERNAL', messageOf(error), { cause: error })
}

/** Whether the current folder was needed, and has been removed: every relative path needs it. */
export function isWithoutFolder(error: unknown): boolean {
  try {
    return error instanceof Error && 'syscall' in error && error.syscall === 'uv_cwd'
  } catch {
    return false
  }
}

/** Whether `error` is an {@link AgentError} of that code. */
export function hasCode(error: unknown, code: ErrorCode): boolean {
  return error instanceof AgentError && error.code === code
}

/** The text of any thrown value. An application may throw a value without a text, or one that throws when it is asked for its text. */
export function messageOf(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message || error.name : error)
  } catch {
    return 'an error without a readable text'
  }
}

/** A message without its full stop, to go into another sentence. */
export function withoutStop(message: string): string {
  return message.replace(/\.\s*$/, '')
}

/** The errno name (`ENOENT`, `ECONNREFUSED`, …) of a system error, or undefined. */
export function errnoOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  try {
    const code: unknown = 'code' in error ? error.code : undefined
    return typeof code === 'string' ? code : undefined
  } catch {
    return undefined
  }
}
