// SPDX-License-Identifier: Apache-2.0
import type { AgentError } from '../../base/errors.ts'
import { isJsonObject, type JsonObject } from '../../base/json.ts'
import type { Client } from '../../client/client.ts'
import type { CommandResult } from '../../protocol/reply.ts'
import { Status } from '../../protocol/status.ts'
import { callAction, describeAnswer } from './calls.ts'
import { expectSame, notProven, until, type ValidationCheck, type ValidationContext } from './validation-context.ts'

/** The actions of the device, and how often the one that hands over ran, over all restarts of the application. */
export class ActionCounts {
  #handedOver = 0

  get handedOver(): number {
    return this.#handedOver
  }

  /** Registers the actions that the operator will call. */
  readonly prepare = (client: Client): void => {
    const { actions } = client
    actions.register('validate_echo', ({ params }) => ({ status: Status.Success, message: 'echoed', params }), {
      parameters: { number: { type: 'number', required: true } },
    })
    actions.register('validate_progress', async (_, { progress }) => {
      await progress('half done')
    })
    actions.register('validate_failure', () => ({ status: Status.Failure, message: failureText }))
    actions.register('validate_throw', () => {
      throw new Error('thrown by the action')
    })
    actions.register('validate_restart', async (_, { handOver }) => {
      this.#handedOver++
      await handOver()
    })
    actions.registerCommand('validate_command', ['sh', '-c', 'echo "$@"', 'sh'])
    actions.registerCommand('validate_command_failing', ['sh', '-c', 'echo bad >&2; exit 3'])
  }
}

const failureText = 'failed "as asked"'
const echoed = { number: -1.5, text: 'a "b" €', flag: true, list: [1, 'two'] }

/** The device performs what the operator calls, and its answer reaches the operator. */
export function actionChecks(counts: ActionCounts): readonly ValidationCheck[] {
  return [
    { name: 'action', run: echoes },
    { name: 'action progress', needs: ['action'], run: reportsProgress },
    failing('action failure', 'validate_failure', Status.Failure, failureText),
    failing('action that throws', 'validate_throw', Status.Failure, 'thrown by the action'),
    failing('unknown action', 'validate_unknown', Status.NotFound),
    failing('bad parameter', 'validate_echo', Status.BadParameter, 'number'),
    { name: 'command', needs: ['action'], run: runsProgram },
    failing('command failure', 'validate_command_failing', Status.ExecutionError, 'exit code 3'),
    { name: 'action once', needs: ['action'], run: (context, signal) => runsOnce(counts, context, signal) },
  ]
}

async function echoes(context: ValidationContext, signal: AbortSignal): Promise<string> {
  const answer = await exec(context, signal, 'validate_echo', echoed)
  if (!answer.ok) throw refused('validate_echo', answer)
  for (const [name, value] of Object.entries(echoed)) expectSame(`the variable "${name}"`, answer.params[name], value)
  return 'parameters there, completion variables back'
}

async function reportsProgress(context: ValidationContext, signal: AbortSignal): Promise<string> {
  const { operator, device } = context
  const call = { thingKey: device.thingKey, method: 'validate_progress', ackTimeout: 0, ttl: 60 }
  const { id } = await operator.do('method.exec', call, { signal })
  if (typeof id !== 'string') throw notProven('method.exec without a wait answered without an id of the call')
  await until(context, signal, async () => {
    const { status, history } = await operator.do('mailbox.find', { id }, { signal })
    expectSame('the status of the call', status, 'completed')
    const lines = Array.isArray(history) ? history.filter(isJsonObject) : []
    if (!lines.some(line => Object.values(line).includes('half done')))
      throw notProven('the history of the call has no line "half done"')
  })
  return 'a line in the history of the call'
}

async function runsProgram(context: ValidationContext, signal: AbortSignal): Promise<string> {
  const answer = await exec(context, signal, 'validate_command', { name: "o'x $HOME", flag: true })
  if (!answer.ok) throw refused('validate_command', answer)
  expectSame('the output of the program', answer.params.stdout, "--name=o'x $HOME --flag\n")
  return 'a program with parameters, and its output'
}

async function runsOnce(counts: ActionCounts, context: ValidationContext, signal: AbortSignal): Promise<string> {
  const { device } = context
  const before = counts.handedOver
  const call = callAction(context, { thingKey: device.thingKey, method: 'validate_restart' }, signal)
  // Its rejection is handled even if this check fails before it waits for the answer.
  call.catch(() => undefined)
  await until(context, signal, async () => expectSame('how often the action ran', counts.handedOver - before, 1))
  // The application ends without an answer. The next one finds the call, answers it, and does not run the action again.
  await device.end({ timeoutMs: 2_000 })
  const left = await device.client.actions.handedOver()
  const client = await device.connected(signal)
  const [mine] = left.filter(({ name }) => name === 'validate_restart')
  if (mine === undefined) throw notProven('the restarted application does not know the call')
  await client.actions.acknowledge(mine.id, { status: Status.Success, params: { restarted: true } })
  const answer = await call
  if (!answer.ok) throw refused('validate_restart', answer)
  expectSame('the answer', answer.params.restarted, true)
  expectSame('how often the action ran', counts.handedOver - before, 1)
  return 'ran once, and was answered by the restarted application'
}

/** Checks that the answer to a call is a failure with this status, and with this text in its message. */
function failing(name: string, method: string, status: Status, text?: string): ValidationCheck {
  return {
    name,
    needs: ['action'],
    run: async (context, signal) => {
      const answer = await exec(context, signal, method, {})
      if (answer.ok) throw notProven(`${method} was answered as a success`)
      if (!answer.errorCodes.includes(status))
        throw notProven(`${method} was not answered with ${status}: ${describeAnswer(answer)}`)
      if (text !== undefined && !answer.errorMessages.join(' ').includes(text))
        throw notProven(
          `the message of ${method} is ${JSON.stringify(answer.errorMessages)}, without ${JSON.stringify(text)}`,
        )
      return `status ${status}${text === undefined ? '' : ' with its message'}`
    },
  }
}

async function exec(
  context: ValidationContext,
  signal: AbortSignal,
  method: string,
  params: JsonObject,
): Promise<CommandResult> {
  await context.device.connected(signal)
  return callAction(context, { thingKey: context.device.thingKey, method, params }, signal)
}

function refused(method: string, answer: CommandResult & { readonly ok: false }): AgentError {
  return notProven(`${method} was not answered as a success: ${describeAnswer(answer)}`)
}
