// SPDX-License-Identifier: Apache-2.0
import type { ConfigFolder } from '../../config/config-folder.ts'

/** One flag of a command, for the parser and for `--help`. */
export interface Flag {
  /** Long name without the dashes, `config-dir`. The parser also accepts the old spelling with `_`. */
  readonly name: string
  /** One letter, without the dash. */
  readonly short?: string
  /** The name of its value in the help, `DIR`. A flag without one is a switch. */
  readonly value?: string
  /** Whether it may be given several times. */
  readonly several?: boolean
  readonly summary: string
  /** Other long names that mean the same. */
  readonly aliases?: readonly string[]
}

/** An argument that is not a flag. */
export interface Operand {
  /** Its name in the help, `NAME`. */
  readonly name: string
  readonly optional?: boolean
  /** Takes all the arguments that follow, flags included. Only the last operand may. */
  readonly rest?: boolean
}

/** The arguments of a command, checked against its flags and operands. */
export interface Invocation {
  /** The operands in order; absent optional ones are missing at the end. */
  readonly operands: readonly string[]
  /** Whether the flag was given. */
  has(flag: string): boolean
  /** The value of a flag, the last one if it was given several times. */
  value(flag: string): string | undefined
  /** All values of a flag that may be given several times. */
  values(flag: string): readonly string[]
  /** The folder of the configuration, for a command that has one. */
  readonly configFolder?: ConfigFolder | undefined
}

/** Where a command writes. Tests pass in their own. */
export interface Terminal {
  readonly outIsTty: boolean
  readonly errIsTty: boolean
  /** Writes to stdout. The caller adds the line end. */
  out(text: string): void
  /** Writes bytes to stdout, and resolves when the system has them. Rejects `ABORTED` when the reader has closed its end. */
  outBytes(bytes: Uint8Array): Promise<void>
  /** Writes to stderr. The caller adds the line end. */
  err(text: string): void
}

/** One command of `device-cloud`. Its file in `commands/` exports it as `command`. */
export interface Command {
  /** As a user types it, `publish telemetry`. */
  readonly name: string
  /** One line for the list of commands. */
  readonly summary: string
  /** More sentences for `COMMAND --help`. */
  readonly description?: string
  readonly flags: readonly Flag[]
  readonly operands?: readonly Operand[]
  /** Whether the process belongs to the user's application, whose exceptions are reported as Node reports them. */
  readonly runsForeignCode?: boolean
  /**
   * Runs the command. Resolves to the exit code of the process, or to undefined when the process goes on.
   *
   * @throws AgentError, which the caller reports as one line on stderr, and ends with the exit code of its kind
   */
  run(invocation: Invocation, terminal: Terminal): Promise<number | undefined>
}

/** A row of the table of commands. A command is loaded only when it is called, so that the others cost nothing at start. */
export interface CommandEntry {
  readonly name: string
  readonly summary: string
  /** Whether only the service files of the agent call it. The help does not list it then. */
  readonly hidden?: true
  load(): Promise<{ readonly command: Command }>
}
