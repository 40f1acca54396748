// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../base/clock.ts'
import { AgentError } from '../base/errors.ts'
import { optionsCheck } from '../config/known-options.ts'
import type { Receipt } from '../outbox/outbox.ts'
import type { ActionOutcome } from '../protocol/action-reply.ts'
import { type CommandOptions, commandHandler, type RunProgram } from '../services/actions/command.ts'
import { type ActionReturn, checkResult, cutText, maxMessageBytes, outcomeOf } from '../services/actions/outcome.ts'
import {
  type ActionHandler,
  type ActionOptions,
  type ActionRegistry,
  actionOptionNames,
} from '../services/actions/registry.ts'
import type { ActionRunner } from '../services/actions/runner.ts'
import type { LeftMail } from '../services/mailbox/left-mail.ts'

const checkRegister = optionsCheck<ActionOptions>('actions.register', actionOptionNames)
const checkRegisterCommand = optionsCheck<CommandOptions>('actions.registerCommand', {
  ...actionOptionNames,
  maxOutputBytes: true,
})

interface ActionParts<Owner> {
  readonly registry: ActionRegistry<Owner>
  readonly runner: ActionRunner<Owner>
  readonly clock: Clock
  answerCall(id: string, outcome: ActionOutcome): Promise<Receipt>
  updateCall(id: string, text: string): Promise<Receipt>
  leftCalls(): Promise<readonly LeftMail[]>
}

/** The actions of a client: what the cloud may call on this device. */
export class ClientActions<Owner> {
  readonly #parts: ActionParts<Owner>
  readonly #runProgram: RunProgram

  constructor(parts: ActionParts<Owner>) {
    this.#parts = parts
    this.#runProgram = programRunner(parts.clock)
  }

  /**
   * Registers an action. Register before `connect()`: a call that waits in the cloud arrives with the connection, and a call
   * of an unregistered action is answered with status 12.
   *
   * @param name letters, digits, `_` and `-`; case matters
   * @param handler an `ActionHandler` of this client: it gets the request and a context
   * @throws AgentError `INVALID_ARGUMENT` when the name is not allowed or taken, or an option is out of range
   */
  register(name: string, handler: ActionHandler<Owner>, options: ActionOptions = {}): void {
    checkRegister(options)
    this.#parts.registry.add(name, handler, options)
  }

  /**
   * Registers an action that runs a program, without a shell. The parameters become `--name=value` (true → `--name`,
   * false → left out). Exit code 0 is success; anything else is status 4 with `exitCode`, `stdout` and `stderr` in the
   * params.
   *
   * @param program a path or a name in PATH; or a list of it and its fixed arguments
   * @throws AgentError `INVALID_ARGUMENT` as {@link register}
   */
  registerCommand(name: string, program: string | readonly string[], options: CommandOptions = {}): void {
    checkRegisterCommand(options)
    this.#parts.registry.add(name, commandHandler(program, this.#runProgram, options), options, true)
  }

  /** Removes an action; calls that run go on. Returns whether there was such an action. */
  deregister(name: string): boolean {
    return this.#parts.registry.remove(name)
  }

  /**
   * Answers a call by its id: for handlers that returned `Status.Invoked`, and for calls that an earlier process left open.
   * Only the first answer counts. Resolves when the outbox has the answer.
   *
   * @throws AgentError `INVALID_ARGUMENT`, `OUTBOX_FULL`, `CLOSED`, `CONFIG_INVALID`
   */
  async acknowledge(id: string, result?: ActionReturn): Promise<Receipt> {
    checkId(id)
    checkResult(result)
    const outcome = outcomeOf(result)
    if (outcome === 'invoked') throw new AgentError('INVALID_ARGUMENT', 'Status.Invoked is no answer to a call.')
    return this.#parts.runner.acknowledge(id, result) ?? this.#parts.answerCall(id, outcome)
  }

  /**
   * The calls that an earlier process handed over without a result, oldest first: {@link acknowledge} answers them. May be
   * called before `connect()` and after it.
   *
   * @throws AgentError `CLOSED`, `CONFIG_INVALID`
   */
  handedOver(): Promise<readonly LeftMail[]> {
    return this.#parts.leftCalls()
  }

  /**
   * Adds a line to the history of a call by its id. Resolves when the outbox has the line.
   *
   * @throws AgentError `INVALID_ARGUMENT`, `OUTBOX_FULL`, `CLOSED`, `CONFIG_INVALID`
   */
  async progress(id: string, text: string): Promise<Receipt> {
    checkId(id)
    return this.#parts.updateCall(id, cutText(String(text), maxMessageBytes))
  }
}

function checkId(id: string): void {
  if (typeof id !== 'string' || id === '') throw new AgentError('INVALID_ARGUMENT', 'id must be the id of a call.')
}

/** The action has its own deadline, which arrives as the signal; this is only the bound that the platform requires. */
const longestRunMs = 365 * 86_400_000

function programRunner(clock: Clock): RunProgram {
  return async ([file = '', ...args], { signal, maxOutputBytes }) => {
    const { runProgram } = await import('../platform/process/program.ts')
    const {
      exitCode,
      signal: by,
      stdout,
      stderr,
      cutBytes,
    } = await runProgram({
      file,
      args,
      timeoutMs: longestRunMs,
      maxOutputBytes,
      signal,
      clock,
    })
    return { exitCode, signal: by, stdout, stderr, truncated: cutBytes > 0 }
  }
}
