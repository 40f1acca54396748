import { CommandFailure, codes } from '../values/failure.ts'
import { isObject, type Json, type JsonObject, maxDepth } from '../values/json.ts'
import { type Command, type Commands, type Context, failureOf } from './command.ts'

/** Bytes of one JSON request after inflating. */
export const maxRequestBytes = 32 * 1024 * 1024
/** Commands that one request may hold. */
const maxCommands = 1000

interface Asked {
  readonly id: string
  readonly name: string
  readonly params: JsonObject
  readonly run: Command | undefined
  readonly malformed?: string
}

/** A request taken apart; `failure` is set when it is malformed as a whole. */
export interface Request {
  readonly commands: readonly Asked[]
  readonly names: readonly string[]
  readonly failure?: CommandFailure
}

/** Takes a request envelope apart [TR50 2.2]. */
export function readRequest(body: Json | undefined, commands: Commands): Request {
  const broken = (message: string): Request => ({
    commands: [],
    names: [],
    failure: new CommandFailure(codes.malformed, message),
  })
  if (!isObject(body)) return broken(`The request is not a JSON object, or is deeper than ${maxDepth} levels`)
  const entries = Object.entries(body)
  if (entries.length === 0) return broken('The request holds no command')
  if (entries.length > maxCommands) return broken(`The request holds more than ${maxCommands} commands`)
  const asked = entries.map(([id, value]) => readCommand(id, value, commands))
  return { commands: asked, names: asked.map(one => one.name) }
}

function readCommand(id: string, value: Json | undefined, commands: Commands): Asked {
  const malformed = (text: string): Asked => ({ id, name: '', params: {}, run: undefined, malformed: text })
  if (!isObject(value) || typeof value.command !== 'string') return malformed('A command is an object with "command"')
  const { command: name, params } = value
  if (params !== undefined && params !== null && !isObject(params)) return malformed('params is not an object')
  return { id, name, params: params ?? {}, run: Object.hasOwn(commands, name) ? commands[name] : undefined }
}

/** Runs the commands one after another and makes the reply envelope [TR50 2.3]. */
export function execute(request: Request, context: Context): JsonObject | Promise<JsonObject> {
  if (request.failure !== undefined) return asReply(request.failure)
  const replies: [string, JsonObject][] = []
  // Without a command that waits, the whole request is answered in this turn: requests keep their order.
  for (let at = 0; at < request.commands.length; at++) {
    const asked = request.commands[at]
    if (asked === undefined) break
    const reply = runOne(asked, context)
    if (reply instanceof Promise) return finish(request.commands.slice(at + 1), replies, asked.id, reply, context)
    replies.push([asked.id, reply])
  }
  return Object.fromEntries(replies)
}

async function finish(
  rest: readonly Asked[],
  replies: [string, JsonObject][],
  id: string,
  pending: Promise<JsonObject>,
  context: Context,
): Promise<JsonObject> {
  replies.push([id, await pending])
  for (const asked of rest) replies.push([asked.id, await runOne(asked, context)])
  return Object.fromEntries(replies)
}

function runOne(asked: Asked, context: Context): JsonObject | Promise<JsonObject> {
  try {
    if (asked.malformed !== undefined) throw new CommandFailure(codes.malformed, asked.malformed)
    if (asked.run === undefined)
      throw new CommandFailure(codes.unknownCommand, `Command ${asked.name.slice(0, 80)} is not known`)
    refuseWhole(asked, context)
    const outcome = asked.run(asked.params, context)
    return outcome instanceof Promise ? outcome.then(asSuccess, asReply) : asSuccess(outcome)
  } catch (error) {
    return asReply(error)
  }
}

/** A fault without a key, or with the key of the command itself, refuses all of it. */
function refuseWhole(asked: Asked, { state, session }: Context): void {
  if (asked.name.startsWith('cloud.')) return
  const fault = state.faults.takeWhere(
    'refuseCommand',
    { thingKey: session?.thing?.key, transport: session?.transport, commands: [asked.name] },
    params => params.key === undefined,
  )
  if (fault !== undefined) throw failureOf(fault)
}

export function asSuccess(params: JsonObject | undefined): JsonObject {
  return params === undefined ? { success: true } : { success: true, params }
}

/** A failure as it is answered, for one command or at the root. */
export function asReply(error: unknown): JsonObject {
  if (error instanceof CommandFailure)
    return { success: false, errorCodes: error.errorCodes, errorMessages: error.errorMessages }
  process.stderr.write(`local cloud: ${error instanceof Error ? error.stack : String(error)}\n`)
  return {
    success: false,
    errorCodes: [codes.internal],
    errorMessages: ['The local cloud made a mistake; see its output'],
  }
}
