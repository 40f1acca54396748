// SPDX-License-Identifier: Apache-2.0
import { isJsonObject, type Json, type JsonObject, maxJsonDepth } from '../base/json.ts'
import { parseCutWrittenJson } from '../base/written-json.ts'
import { limits } from './limits.ts'

/** What the cloud says when it refuses [TR50 2.3]. */
export interface Refusal {
  readonly errorCodes: readonly number[]
  readonly errorMessages: readonly string[]
}

/** A command that did not succeed. */
export interface FailedResult extends Refusal {
  readonly ok: false
  /** The cloud did not refuse: its answer to this command is missing or makes no sense. */
  readonly violation?: true
}

/** The answer to one command [TR50 2.3]. */
export type CommandResult = { readonly ok: true; readonly params: JsonObject } | FailedResult

/** A whole reply message, checked. */
export type Reply =
  | { readonly kind: 'results'; readonly results: readonly CommandResult[] }
  /** The request as a whole was refused: malformed, not authenticated, ... [TR50 2.3]. */
  | ({ readonly kind: 'refused' } & Refusal)
  | { readonly kind: 'malformed'; readonly problem: string }

/**
 * The parameters of a mailbox message stand six levels down in a reply. One more than they may have is read, so that the mailbox, which takes them,
 * still sees that they are too deep; a message that is must not take the rest of its page with it.
 */
const maxReplyDepth = 6 + maxJsonDepth + 1

const decoder = new TextDecoder('utf-8', { fatal: true })

/**
 * Parses a reply to a request of `commands` commands. Unknown ids are ignored; a command without an answer gets a
 * result marked `violation`. Nothing of what arrives can make it throw.
 */
export function parseReply(payload: Uint8Array, commands: number): Reply {
  const text = decode(payload)
  if (text === undefined) return { kind: 'malformed', problem: 'not UTF-8' }
  const reply = parseCutWrittenJson(text, maxReplyDepth)
  if (reply === undefined) return { kind: 'malformed', problem: 'not JSON' }
  if (!isJsonObject(reply)) return { kind: 'malformed', problem: 'not a JSON object' }
  if (Object.hasOwn(reply, 'success')) {
    // At the root only a failure exists: a request without ids cannot succeed [TR50 2.3].
    return reply.success === false
      ? { kind: 'refused', ...errorsOf(reply) }
      : { kind: 'malformed', problem: 'success at the root' }
  }
  const results: CommandResult[] = []
  for (let id = 1; id <= commands; id++) results.push(parseCommandResult(reply[String(id)]))
  return { kind: 'results', results }
}

function decode(payload: Uint8Array): string | undefined {
  try {
    return decoder.decode(payload)
  } catch {
    return undefined
  }
}

/**
 * The answer to the command with this id of an HTTPS reply. A refusal of the request as a whole stands at the root, without
 * ids [TR50 2.3]; it answers every command. Nothing of what arrives can make it throw.
 */
export function commandResultIn(reply: JsonObject, id: string): CommandResult {
  const isRefused = reply.success === false && !Object.hasOwn(reply, id)
  return isRefused ? { ok: false, ...errorsOf(reply) } : parseCommandResult(reply[id])
}

/** Parses the answer to one command. Nothing of what arrives can make it throw. */
function parseCommandResult(value: Json | undefined): CommandResult {
  if (value === undefined) return violation('The reply has no answer to this command.')
  if (!isJsonObject(value)) return violation('The answer to this command is not an object.')
  // Most commands answer without params; whatever is not an object carries no data [TR50 2.3].
  if (value.success === true) return { ok: true, params: isJsonObject(value.params) ? value.params : {} }
  if (value.success === false) return { ok: false, ...errorsOf(value) }
  return violation('The answer to this command does not say whether it succeeded.')
}

function violation(problem: string): CommandResult {
  return { ok: false, errorCodes: [], errorMessages: [problem], violation: true }
}

function errorsOf(failure: JsonObject): Refusal {
  return {
    // A numeric string is as good as a number: the cloud accepts both, and may send back what it got [TR50 7.6].
    errorCodes: listOf(failure.errorCodes)
      .filter(code => typeof code === 'number' || (typeof code === 'string' && /^-?\d{1,9}$/.test(code)))
      .map(Number)
      .filter(Number.isInteger),
    errorMessages: listOf(failure.errorMessages)
      .filter(message => typeof message === 'string')
      .map(message => message.slice(0, limits.maxErrorTextLength)),
  }
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value.slice(0, limits.maxErrors) : []
}
