// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../../base/clock.ts'
import { AgentError, messageOf } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import { waitFor } from '../../base/wait.ts'
import type { Receipt } from '../../outbox/outbox.ts'
import type { ActionOutcome, ActionReply, HandOverOptions } from '../../protocol/action-reply.ts'
import { Status } from '../../protocol/status.ts'
import { Call } from './call.ts'
import {
  type ActionReturn,
  checkResult,
  cutText,
  failure,
  maxMessageBytes,
  outcomeOf,
  outcomeOfThrown,
} from './outcome.ts'
import { parameterProblem } from './parameters.ts'
import { type ActionContext, type ActionRegistry, type ActionRequest, checkHandOver } from './registry.ts'

/** How many actions run at the same time, all names together; the others wait their turn. */
export const maxRunning = 64

/**
 * Runs the actions that the cloud calls: checks their parameters, limits how many run at a time, gives each a deadline,
 * and answers each once.
 * An action that hangs costs its own slot until its deadline, nothing else.
 */
export class ActionRunner<Owner> {
  readonly #registry: ActionRegistry<Owner>
  readonly #owner: Owner
  readonly #clock: Clock
  readonly #log: Log
  readonly #waiting: Call<Owner>[] = []
  readonly #running = new Map<string, Call<Owner>>()
  readonly #perAction = new Map<string, number>()
  readonly #idle = new Set<() => void>()
  #closing = false

  constructor(parts: { registry: ActionRegistry<Owner>; owner: Owner; clock: Clock; log: Log }) {
    this.#registry = parts.registry
    this.#owner = parts.owner
    this.#clock = parts.clock
    this.#log = parts.log
  }

  /** The ids and names of the calls that run now, for `status`. */
  running(): { readonly id: string; readonly name: string }[] {
    return [...this.#running.values()].map(({ request: { id, name } }) => ({ id, name }))
  }

  /** Takes a call; reports its course to `reply`. Returns at once and never throws. */
  run(request: ActionRequest, reply: ActionReply<Receipt>): void {
    const refusal = this.#refusalOf(request)
    const registration = this.#registry.find(request.name)
    if (refusal !== undefined || registration === undefined) {
      const outcome = refusal ?? failure(Status.NotFound, `there is no action "${cutText(request.name, 200)}".`)
      reply.finish(outcome).catch(error => this.#lost(request.id, error))
      return
    }
    const call: Call<Owner> = new Call({ request, registration, reply, onEnd: () => this.#ended(call) })
    this.#waiting.push(call)
    this.#startNext()
  }

  /** Answers a call that runs; undefined when no such call runs. */
  acknowledge(id: string, result: ActionReturn): Promise<Receipt> | undefined {
    const call = this.#running.get(id)
    return call === undefined ? undefined : this.#acknowledge(call, result)
  }

  /**
   * Ends all calls: those that wait are answered "try again", those that run are asked to stop and have `graceMs` to answer;
   * after that they are answered as interrupted.
   */
  async close(graceMs: number): Promise<void> {
    this.#closing = true
    for (const call of this.#waiting.splice(0))
      void call.answer(failure(Status.TryAgain, 'the agent ends; the action was not started.'))
    const reason = new AgentError('CLOSED', 'The client disconnects.')
    for (const call of this.#running.values()) call.abort(reason)
    await this.#untilIdle(graceMs)
    for (const call of [...this.#running.values()]) {
      this.#log.warn('action did not end in time', { action: call.request.name, id: call.request.id })
      void call.answer(failure(Status.Failure, 'the agent ended before the action did.'))
    }
  }

  #refusalOf(request: ActionRequest): ActionOutcome | undefined {
    if (this.#closing) return failure(Status.TryAgain, 'the agent ends; the action was not started.')
    const registration = this.#registry.find(request.name)
    if (registration === undefined) return undefined
    const problem = parameterProblem(registration.parameters, request, registration.takesWritten)
    return problem === undefined ? undefined : failure(Status.BadParameter, problem)
  }

  #startNext(): void {
    for (let at = 0; at < this.#waiting.length && this.#running.size < maxRunning; ) {
      const call = this.#waiting[at]
      if (call === undefined) return
      const { name, concurrency } = call.registration
      const already = this.#perAction.get(name) ?? 0
      if (already >= concurrency) {
        at++
        continue
      }
      this.#waiting.splice(at, 1)
      this.#running.set(call.request.id, call)
      this.#perAction.set(name, already + 1)
      this.#start(call).catch(error => this.#lost(call.request.id, error))
    }
  }

  async #start(call: Call<Owner>): Promise<void> {
    const { request, registration } = call
    try {
      await call.started()
    } catch (error) {
      this.#log.error('action not run: it could not be recorded', { action: request.name, id: request.id, error })
      void call.answer(failure(Status.IoError, 'the call could not be recorded, and was not run.'))
      return
    }
    if (call.ended) return
    this.#setDeadline(call)
    this.#log.info('action started', { action: request.name, id: request.id })
    const startedMs = this.#clock.monotonicMs()
    const outcome = await this.#outcomeOf(call)
    const tookMs = Math.round(this.#clock.monotonicMs() - startedMs)
    if (call.ended) {
      this.#log.debug('action returned after its answer', { action: request.name, id: request.id, tookMs })
    } else if (outcome === 'invoked') {
      this.#log.info('action will answer later', { action: request.name, id: request.id, tookMs })
      await call.update('Invoked')
    } else {
      const { status, message } = outcome
      this.#log.info('action ended', { action: registration.name, id: request.id, status, tookMs, text: message })
      void call.answer(outcome)
    }
  }

  async #outcomeOf(call: Call<Owner>): Promise<ActionOutcome | 'invoked'> {
    try {
      return outcomeOf(await call.registration.handler(call.request, this.#contextOf(call)))
    } catch (error) {
      return outcomeOfThrown(error)
    }
  }

  #contextOf(call: Call<Owner>): ActionContext<Owner> {
    return {
      client: this.#owner,
      signal: call.signal,
      progress: async text => {
        try {
          await call.update(cutText(String(text), maxMessageBytes))
        } catch (error) {
          this.#log.limited('progress', 'warn', 'progress line not sent', {
            id: call.request.id,
            error: messageOf(error),
          })
        }
      },
      acknowledge: result => this.#acknowledge(call, result),
      handOver: (result, options) => this.#handOver(call, result, options),
    }
  }

  #acknowledge(call: Call<Owner>, result: ActionReturn): Promise<Receipt> {
    try {
      checkResult(result)
    } catch (error) {
      return refused(error)
    }
    const outcome = outcomeOf(result)
    return outcome === 'invoked' ? refused(noAnswer()) : call.answer(outcome)
  }

  async #handOver(call: Call<Owner>, result: ActionReturn, options: HandOverOptions = {}): Promise<void> {
    checkHandOver(options)
    checkResult(result)
    const outcome = result === undefined ? undefined : outcomeOf(result)
    if (outcome === 'invoked') throw noAnswer()
    await call.handOver(outcome, options)
    this.#log.info('action handed over to the next process', { action: call.request.name, id: call.request.id })
  }

  /** The deadline holds until the answer, also for a handler that returned `Status.Invoked`. */
  #setDeadline(call: Call<Owner>): void {
    const { timeoutMs, name } = call.registration
    if (timeoutMs === 0) return
    call.setDeadline(this.#clock, timeoutMs, () => {
      this.#log.warn('action timed out', { action: name, id: call.request.id, timeoutMs })
      void call.answer(failure(Status.TimedOut, `the action did not end within ${timeoutMs / 1000} s.`))
      call.abort(new AgentError('TIMEOUT', `The action "${name}" did not end within ${timeoutMs / 1000} s.`))
    })
  }

  #ended(call: Call<Owner>): void {
    if (this.#running.get(call.request.id) !== call) return
    this.#running.delete(call.request.id)
    const { name } = call.registration
    const left = (this.#perAction.get(name) ?? 1) - 1
    if (left > 0) this.#perAction.set(name, left)
    else this.#perAction.delete(name)
    if (this.#running.size === 0) for (const wake of this.#idle) wake()
    this.#startNext()
  }

  #untilIdle(graceMs: number): Promise<void> {
    if (this.#running.size === 0) return Promise.resolve()
    return waitFor<void>(undefined, resolve => {
      const wake = () => resolve()
      const timer = this.#clock.timer(graceMs, wake)
      this.#idle.add(wake)
      return () => {
        timer.cancel()
        this.#idle.delete(wake)
      }
    })
  }

  #lost(id: string, error: unknown): void {
    this.#log.error('answer of an action was not taken', { id, error: messageOf(error) })
  }
}

const noAnswer = () => new AgentError('INVALID_ARGUMENT', 'Status.Invoked is no answer to a call.')

/** A rejection that does not end the process when the caller ignores the promise. */
function refused(error: unknown): Promise<never> {
  const promise = Promise.reject(error)
  promise.catch(() => {})
  return promise
}
