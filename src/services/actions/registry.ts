// SPDX-License-Identifier: Apache-2.0
import { AgentError } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json.ts'
import type { WrittenNumbers } from '../../base/written-json.ts'
import { checkNames, type OptionNames, optionsCheck } from '../../config/known-options.ts'
import type { Receipt } from '../../outbox/outbox.ts'
import type { HandOverOptions } from '../../protocol/action-reply.ts'
import { checkedFlag, longestWaitMs } from '../../protocol/call-fields.ts'
import { checkedKey, checkedNumber, invalid } from '../../protocol/sample-fields.ts'
import type { ActionReturn } from './outcome.ts'
import { isParameterType, type ParameterRule, type ParameterRules } from './parameters.ts'

/** A call of an action by the cloud. */
export interface ActionRequest {
  /** The id of the mailbox message; no other call ever has it. */
  readonly id: string
  /** The name under which the action is registered. */
  readonly name: string
  /**
   * The parameters from the operator; empty when there are none. Numbers are JavaScript numbers, except those that JavaScript
   * cannot hold: an integer beyond ±9007199254740991 (such as an ICCID without quotes), or a number out of range. Such a number
   * is the text of its digits, at any depth, because it would change otherwise.
   */
  readonly params: JsonObject
  /**
   * The numbers directly in `params` as the operator wrote them, where JavaScript would write them otherwise: `1.50`, `1e3`, and
   * those that are text in `params`. Absent when there is none.
   */
  readonly written?: WrittenNumbers
}

/** What a handler can use while it runs. `Owner` is the client that calls it. */
export interface ActionContext<Owner> {
  readonly client: Owner
  /**
   * Fires when the handler should stop: its time is over (reason `TIMEOUT`), or the client disconnects (reason `CLOSED`).
   */
  readonly signal: AbortSignal
  /**
   * Adds a line to the history of the call that the operator sees [TR50 mailbox.update]. Lines keep their order.
   * Resolves when the outbox has it; never rejects. After the end of the call it does nothing.
   */
  progress(text: string): Promise<void>
  /**
   * Answers the call: for handlers that return `Status.Invoked` and finish later, or that must answer before they act.
   * Only the first answer counts; what the handler returns after it is ignored. Resolves when the outbox has it;
   * the receipt's `delivered()` resolves when the cloud has it.
   */
  acknowledge(result?: ActionReturn): Promise<Receipt>
  /**
   * Leaves the answer to the next process; for actions that end the process itself. With `result`, the next process sends it;
   * without it, the application answers there with `client.actions.acknowledge(id, …)`. For this process the call is over, and
   * the handler's return value is ignored; {@link acknowledge} may still send the answer before the process ends. Resolves when
   * the handover is on disk.
   *
   * @throws AgentError when it cannot be recorded, so that the process must not rely on it; `INVALID_ARGUMENT` when the call
   * was answered already
   */
  handOver(result?: ActionReturn, options?: HandOverOptions): Promise<void>
}

const checkHandOverNames = optionsCheck<HandOverOptions>('context.handOver', { onlyAfterReboot: true })

/** Throws `INVALID_ARGUMENT` for unknown or wrong options. */
export function checkHandOver(options: HandOverOptions): void {
  checkHandOverNames(options)
  if (options.onlyAfterReboot !== undefined) checkedFlag('onlyAfterReboot', options.onlyAfterReboot)
}

/** Runs an action. What it returns or throws becomes the answer to the operator. */
export type ActionHandler<Owner> = (
  request: ActionRequest,
  context: ActionContext<Owner>,
) => ActionReturn | Promise<ActionReturn>

/** Options of a registration. */
export interface ActionOptions {
  /** Milliseconds until the call is answered with status 16 and its signal fires; default one hour, 0 = no limit. */
  readonly timeoutMs?: number | undefined
  /** How many calls of this action run at the same time; the others wait. Default 8. */
  readonly concurrency?: number | undefined
  /**
   * Types of the parameters; a call that does not fit is answered with status 2 and never reaches the handler. A number that
   * JavaScript cannot hold fits no type here; a registered command takes it.
   */
  readonly parameters?: ParameterRules | undefined
  /**
   * The action does no harm when a power cut makes it run a second time; default false. With true it is answered sooner and
   * spares the flash: neither its start nor its outcome is forced to the disk.
   */
  readonly repeatable?: boolean | undefined
}

/** The names of {@link ActionOptions}, for the checks of the calls that take them. */
export const actionOptionNames: OptionNames<ActionOptions> = {
  timeoutMs: true,
  concurrency: true,
  parameters: true,
  repeatable: true,
}

/** A registered action. */
export interface Registration<Owner> {
  readonly name: string
  readonly handler: ActionHandler<Owner>
  readonly timeoutMs: number
  readonly concurrency: number
  readonly parameters: ParameterRules
  readonly repeatable: boolean
  /** It takes numbers as they are written, so that a number that JavaScript cannot hold counts as a number, too. */
  readonly takesWritten: boolean
}

const defaultTimeoutMs = 3_600_000
const defaultConcurrency = 8
const maxConcurrency = 64

/** The actions by name. Case matters, as in the cloud. */
export class ActionRegistry<Owner> {
  readonly #actions = new Map<string, Registration<Owner>>()

  /**
   * @param takesWritten as {@link Registration.takesWritten}
   * @throws AgentError `INVALID_ARGUMENT` when the name is not allowed or taken, or an option is out of range
   */
  add(name: string, handler: ActionHandler<Owner>, options: ActionOptions = {}, takesWritten = false): void {
    checkedKey('action name', name)
    if (typeof handler !== 'function')
      throw new AgentError('INVALID_ARGUMENT', `The handler of the action "${name}" must be a function.`)
    if (this.#actions.has(name))
      throw new AgentError('INVALID_ARGUMENT', `The action "${name}" is registered already; deregister it first.`)
    const { timeoutMs = defaultTimeoutMs, concurrency = defaultConcurrency, parameters = {} } = options
    const { repeatable = false } = options
    checkedNumber(`timeoutMs of the action "${name}"`, timeoutMs, 0, longestWaitMs)
    checkedNumber(`concurrency of the action "${name}"`, concurrency, 1, maxConcurrency)
    checkedFlag(`repeatable of the action "${name}"`, repeatable)
    checkRules(name, parameters)
    const whole = Math.floor(concurrency)
    this.#actions.set(name, { name, handler, timeoutMs, concurrency: whole, parameters, repeatable, takesWritten })
  }

  /** Removes the action; calls that run continue. Returns whether there was one. */
  remove(name: string): boolean {
    return this.#actions.delete(name)
  }

  find(name: string): Registration<Owner> | undefined {
    return this.#actions.get(name)
  }

  names(): string[] {
    return [...this.#actions.keys()]
  }
}

const ruleNames: readonly string[] = Object.keys({ type: true, required: true } satisfies OptionNames<ParameterRule>)

function checkRules(action: string, rules: ParameterRules): void {
  if (typeof rules !== 'object' || rules === null || Array.isArray(rules))
    throw invalid(`parameters of the action "${action}"`, rules, 'must be an object of rules')
  for (const [name, rule] of Object.entries(rules)) {
    if (isParameterType(rule?.type)) {
      checkNames(`the parameter "${name}" of the action "${action}"`, 'rule', rule, ruleNames)
      if (rule.required !== undefined) checkedFlag(`required of the parameter "${name}"`, rule.required)
      continue
    }
    throw new AgentError(
      'INVALID_ARGUMENT',
      `The parameter "${name}" of the action "${action}" needs a type: string, number, integer or boolean.`,
    )
  }
}
