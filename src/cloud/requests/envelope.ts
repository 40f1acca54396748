// SPDX-License-Identifier: Apache-2.0
import { CommandFailure, codes } from '../values/failure.ts'
import { isObject, type Json, type JsonObject, maxDepth } from '../values/json.ts'
import { type Command, type Commands, type Context, failureOf } from './command.ts'

/** Bytes of one JSON request after inflating. */
export const maxRequestBytes = 32 * 1024 * 1024
/** Commands that one request may hold. */
const maxCommands = 1000

/** One command of a request. */
interface Invocation {
  readonly id: string
  readonly name: string
  readonly params: JsonObject
  readonly run: Command | undefined
  readonly malformed?: string
}

/** A parsed request; `failure` is set when it is malformed as a whole. */
export interface Request {
  readonly commands: readonly Invocation[]
  readonly names: readonly string[]
  readonly failure?: CommandFailure
}

/** Parses a request envelope [TR50 2.2]. */
export function readRequest(body: Json | undefined, commands: Commands): Request {
  const malformed = (message: string): Request => ({
    commands: [],
    names: [],
    failure: new CommandFailure(codes.malformed, message),
  })
  if (!isObject(body))
    return malformed(`The request is not a JSON object, or is nested deeper than ${maxDepth} levels.`)
  const entries = Object.entries(body)
  if (entries.length === 0) return malformed('The request holds no command.')
  if (entries.length > maxCommands) return malformed(`The request holds more than ${maxCommands} commands.`)
  const invocations = entries.map(([id, value]) => readCommand(id, value, commands))
  return { commands: invocations, names: invocations.map(({ name }) => name) }
}

function readCommand(id: string, value: Json | undefined, commands: Commands): Invocation {
  const malformed = (text: string): Invocation => ({ id, name: '', params: {}, run: undefined, malformed: text })
  if (!isObject(value) || typeof value.command !== 'string')
    return malformed('A command must be an object with "command".')
  const { command: name, params } = value
  if (params !== undefined && params !== null && !isObject(params)) return malformed('params must be an object.')
  return { id, name, params: params ?? {}, run: Object.hasOwn(commands, name) ? commands[name] : undefined }
}

/** Executes the commands one after another and returns the reply envelope [TR50 2.3]. */
export function execute(request: Request, context: Context): JsonObject | Promise<JsonObject> {
  if (request.failure !== undefined) return failureReply(request.failure)
  const replies: [string, JsonObject][] = []
  // A request whose commands need not wait is answered in this turn, so that requests keep their order.
  for (let at = 0; at < request.commands.length; at++) {
    const invocation = request.commands[at]
    if (invocation === undefined) break
    const reply = runOne(invocation, context)
    if (reply instanceof Promise) return finish(request.commands.slice(at + 1), replies, invocation.id, reply, context)
    replies.push([invocation.id, reply])
  }
  return Object.fromEntries(replies)
}

async function finish(
  rest: readonly Invocation[],
  replies: [string, JsonObject][],
  id: string,
  pending: Promise<JsonObject>,
  context: Context,
): Promise<JsonObject> {
  replies.push([id, await pending])
  for (const invocation of rest) replies.push([invocation.id, await runOne(invocation, context)])
  return Object.fromEntries(replies)
}

function runOne({ name, params, run, malformed }: Invocation, context: Context): JsonObject | Promise<JsonObject> {
  try {
    if (malformed !== undefined) throw new CommandFailure(codes.malformed, malformed)
    if (run === undefined) throw new CommandFailure(codes.unknownCommand, `Command ${name.slice(0, 80)} is not known.`)
    refuseWholeByFault(name, context)
    const result = run(params, context)
    return result instanceof Promise ? result.then(asSuccess, failureReply) : asSuccess(result)
  } catch (error) {
    return failureReply(error)
  }
}

/** Throws when the fault `refuseCommand` names no key, and therefore refuses the whole command. */
function refuseWholeByFault(name: string, { state, session }: Context): void {
  if (name.startsWith('cloud.')) return
  const fault = state.faults.take(
    'refuseCommand',
    { thingKey: session?.thing?.key, transport: session?.transport, commands: [name] },
    params => params.key === undefined,
  )
  if (fault !== undefined) throw failureOf(fault)
}

function asSuccess(params: JsonObject | undefined): JsonObject {
  return params === undefined ? { success: true } : { success: true, params }
}

/** The reply to a failure, of one command or of the whole request. */
export function failureReply(error: unknown): JsonObject {
  if (error instanceof CommandFailure)
    return { success: false, errorCodes: error.errorCodes, errorMessages: error.errorMessages }
  process.stderr.write(`local cloud: ${error instanceof Error ? error.stack : String(error)}\n`)
  return {
    success: false,
    errorCodes: [codes.internal],
    errorMessages: ['The local cloud failed. See its output.'],
  }
}
