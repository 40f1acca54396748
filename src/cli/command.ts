import type { ConfigFolder } from '../config/config-folder.ts'

/** One flag of a command, as `--help` prints it and as the parser takes it. */
export interface Flag {
  /** Long name without the dashes, `config-dir`. The old spelling with `_` is understood as well. */
  readonly name: string
  /** One letter, without the dash. */
  readonly short?: string
  /** What its value is called in the help, `DIR`; a flag without one is a switch. */
  readonly value?: string
  /** May be given several times. */
  readonly several?: boolean
  readonly summary: string
  /** Other long names that mean the same. */
  readonly aliases?: readonly string[]
}

/** A word of the command line that is not a flag. */
export interface Operand {
  /** As the help prints it, `NAME`. */
  readonly name: string
  readonly optional?: boolean
  /** Takes all the words that are left, flags included. Only the last operand may. */
  readonly rest?: boolean
}

/** What a command was called with, checked against its flags and operands. */
export interface Invocation {
  /** The operands in order; absent optional ones are missing at the end. */
  readonly operands: readonly string[]
  /** Whether a switch was given. */
  has(flag: string): boolean
  /** The value of a flag, the last one when it was given twice. */
  value(flag: string): string | undefined
  /** All values of a flag that may be given several times. */
  values(flag: string): readonly string[]
  /** Where the configuration is, for a command that has one. */
  readonly configFolder?: ConfigFolder
}

/** Where a command writes to and reads from. Tests hand in their own. */
export interface Terminal {
  readonly outIsTty: boolean
  readonly errIsTty: boolean
  /** Writes to stdout, as it is: the caller brings the line end. */
  out(text: string): void
  /** Writes bytes to stdout; resolves when they are on their way. Rejects `ABORTED` when the reader went away. */
  outBytes(bytes: Uint8Array): Promise<void>
  /** Writes to stderr, as it is. */
  err(text: string): void
}

/** One command of `device-cloud`. Its file exports it as `command`. */
export interface Command {
  /** The words that call it, `publish telemetry`. */
  readonly name: string
  /** One line for the list of commands. */
  readonly summary: string
  /** More sentences for `COMMAND --help`. */
  readonly description?: string
  readonly flags: readonly Flag[]
  readonly operands?: readonly Operand[]
  /** The process belongs to the user's application: an exception of it is reported as Node does. */
  readonly runsForeignCode?: boolean
  /**
   * Does it, and resolves to the exit code of the process; undefined lets the process live on.
   *
   * @throws AgentError, which becomes one line on stderr and the exit code of its kind
   */
  run(invocation: Invocation, terminal: Terminal): Promise<number | undefined>
}

/** A command that is loaded only when it is called, so that the others cost nothing at start. */
export interface CommandEntry {
  readonly name: string
  readonly summary: string
  /** Called by our own service files, not by people: the help does not list it. */
  readonly hidden?: true
  load(): Promise<{ readonly command: Command }>
}
