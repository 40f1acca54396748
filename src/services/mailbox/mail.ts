// SPDX-License-Identifier: Apache-2.0
import { isDeeperThan, isJsonObject, type Json, type JsonObject, maxJsonDepth } from '../../base/json.ts'
import { type WrittenNumbers, writtenNumbers } from '../../base/written-json.ts'
import type { ActionOutcome } from '../../protocol/action-reply.ts'
import { Status } from '../../protocol/status.ts'

/** What the cloud asks for: a method and its parameters. */
export interface MailCall {
  readonly method: string
  /** An integer that JavaScript cannot hold is the text of its digits. */
  readonly params: JsonObject
  /** The numbers of {@link params} that JavaScript would write otherwise, as they are written. */
  readonly written?: WrittenNumbers | undefined
}

/** An entry of a mailbox page that can be answered. */
export type UsableMail =
  | { readonly kind: 'call'; readonly id: string; readonly call: MailCall }
  /** It has an id but cannot be carried out: it is answered with a refusal. */
  | { readonly kind: 'refused'; readonly id: string; readonly outcome: ActionOutcome }

/** One entry of a mailbox page, parsed [TR50 mailbox.check]. */
export type Mail =
  | UsableMail
  /** It has no usable id, so that nothing can be answered. */
  | { readonly kind: 'unusable'; readonly problem: string }

const maxIdChars = 256
const maxMethodChars = 1024

/** Parses one entry on its own, so that a bad one harms none of the others. */
export function parseMail(entry: Json | undefined): Mail {
  if (!isJsonObject(entry)) return { kind: 'unusable', problem: 'not an object' }
  const { id, command, params } = entry
  if (!isMailId(id)) return { kind: 'unusable', problem: 'no id of 1 to 256 characters' }
  const refuse = (status: Status, problem: string): Mail => refusedMail(id, status, problem)
  if (typeof command !== 'string') return refuse(Status.BadRequest, 'the message has no command.')
  if (command !== 'method.exec')
    return refuse(Status.NotSupported, `the command "${command.slice(0, 100)}" is not supported by this agent.`)
  if (!isJsonObject(params)) return refuse(Status.BadRequest, 'method.exec has no params.')
  const { method, params: given = null } = params
  if (typeof method !== 'string' || method === '') return refuse(Status.BadRequest, 'method.exec names no method.')
  if (method.length > maxMethodChars) return refuse(Status.BadRequest, 'the name of the method is too long.')
  // Absent when the operator gave none [TR50 3.8].
  if (given === null) return { kind: 'call', id, call: { method, params: {} } }
  if (!isJsonObject(given)) return refuse(Status.BadParameter, 'the params of the method must be an object.')
  const outcome = refusalOf(given)
  if (outcome !== undefined) return { kind: 'refused', id, outcome }
  const written = writtenNumbers(given)
  return { kind: 'call', id, call: { method, params: given, written } }
}

/** A mail that is answered with a refusal and not carried out. */
export function refusedMail(id: string, status: Status, problem: string): UsableMail {
  return { kind: 'refused', id, outcome: { status, message: `ERROR: ${problem}` } }
}

/** Whether something can be answered to that id. */
export function isMailId(id: unknown): id is string {
  return typeof id === 'string' && id !== '' && id.length <= maxIdChars
}

/** The answer to parameters that no action may get: the agent could not write them down, hand them on or look through them. */
export function refusalOf(params: JsonObject): ActionOutcome | undefined {
  if (!isDeeperThan(params, maxJsonDepth)) return undefined
  const message = `ERROR: the parameters are nested deeper than ${maxJsonDepth} levels, which is the agent's limit; the action was not run.`
  return { status: Status.BadParameter, message }
}

/** About how many characters a call takes while it is not answered. */
export function charsOf({ params }: MailCall): number {
  return JSON.stringify(params).length
}
