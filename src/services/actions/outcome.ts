// SPDX-License-Identifier: Apache-2.0
import { messageOf } from '../../base/errors.ts'
import { isJsonObject, type JsonObject, jsonProblem, maxJsonDepth, parseJson, toAsciiJson } from '../../base/json.ts'
import { checkNames, type OptionNames } from '../../config/known-options.ts'
import type { ActionOutcome } from '../../protocol/action-reply.ts'
import { isStatus, Status } from '../../protocol/status.ts'

/** An outcome as a handler writes it. `params` may hold anything that JSON can express. */
export interface ActionResult {
  /** Default: success. */
  readonly status?: Status | undefined
  readonly message?: string | undefined
  readonly params?: Readonly<Record<string, unknown>> | undefined
}

/** What a handler may return: nothing (success), a status, or a status with text and values. */
// biome-ignore lint/suspicious/noConfusingVoidType: a handler without a return statement is a normal one
export type ActionReturn = void | undefined | Status | ActionResult

const resultNames: readonly string[] = Object.keys({
  status: true,
  message: true,
  params: true,
} satisfies OptionNames<ActionResult>)

/** Throws `INVALID_ARGUMENT` for an answer with a member that means nothing, which would be dropped without a word. */
export function checkResult(result: unknown): void {
  if (isJsonObject(result)) checkNames('the answer of an action', 'member', result, resultNames)
}

/** The longest text of an acknowledgement or progress line, in bytes of UTF-8; the rest is cut off. */
export const maxMessageBytes = 16 * 1024
/** The most values of an acknowledgement, in bytes of JSON as it is sent. */
export const maxParamsBytes = 256 * 1024

const errorMark = 'ERROR: '

/**
 * The outcome that a handler's return value stands for [TR50 4.2]. `Status.Invoked` announces a later answer;
 * a value without a meaning gives status 2, as with the Python agent.
 */
export function outcomeOf(returned: unknown): ActionOutcome | 'invoked' {
  if (returned === undefined) return { status: Status.Success }
  if (returned === Status.Invoked) return 'invoked'
  if (isStatus(returned)) return { status: returned }
  if (!isJsonObject(returned)) return meaningless
  const { params } = returned
  const complaint = complaintOf(returned)
  // A misspelt status must not count as success. A valid status holds, because the action has run.
  if (complaint !== undefined && !isStatus(returned.status)) return failure(Status.BadParameter, complaint)
  const message = complaint === undefined ? returned.message : withComplaint(returned.message, complaint)
  // A message or params alone mean success; an object without any of the three is a mistake of the author of the action.
  const { status = message === undefined && params === undefined ? undefined : Status.Success } = returned
  if (!isStatus(status)) return meaningless
  return status === Status.Invoked ? 'invoked' : checkedOutcome(status, message, params)
}

/** What is wrong with the names of an answer; undefined when nothing is. */
function complaintOf(result: JsonObject): string | undefined {
  try {
    checkResult(result)
    return undefined
  } catch (error) {
    return messageOf(error)
  }
}

function withComplaint(message: unknown, complaint: string): string {
  return message === undefined || message === null ? complaint : `${message} (${complaint})`
}

/** The outcome of a handler that threw: status 19 with its message, as with the Python agent [TR50 4.2]. */
export function outcomeOfThrown(error: unknown): ActionOutcome {
  return failure(Status.Failure, messageOf(error))
}

/** A failure with the mark that the Python agent puts before its own texts. */
export function failure(status: Status, text: string, params?: JsonObject): ActionOutcome {
  const message = cutText(errorMark + text, maxMessageBytes)
  return params === undefined ? { status, message } : { status, message, params }
}

const meaningless = failure(
  Status.BadParameter,
  'the action returned something that is neither a status from 0 to 19 nor { status, message, params }.',
)

function checkedOutcome(status: Status, message: unknown, params: unknown): ActionOutcome {
  const values = params === undefined || params === null ? undefined : plainJson(params)
  if (typeof values === 'string') return failure(Status.Failure, `the action returned params that are ${values}.`)
  if (values !== undefined && values.bytes > maxParamsBytes)
    return failure(
      Status.Failure,
      `the action returned ${values.bytes} bytes of params; ${maxParamsBytes} are allowed.`,
    )
  return {
    status,
    ...(message === undefined || message === null ? {} : { message: cutText(String(message), maxMessageBytes) }),
    ...(values === undefined ? {} : { params: values.value }),
  }
}

/** What JSON makes of the object: dates as text, undefined left out. The handler may change its own object afterwards. */
function plainJson(value: unknown): { value: JsonObject; bytes: number } | string {
  // Not even an object: JSON.stringify would make no text of a function or a symbol.
  if (!isJsonObject(value)) return 'not a JSON object'
  let text: string
  try {
    text = toAsciiJson(value)
  } catch (error) {
    return whyNoText(error)
  }
  const copy = parseJson(text)
  if (copy === undefined) return jsonProblem(text)
  return isJsonObject(copy) ? { value: copy, bytes: text.length } : 'not a JSON object'
}

/** Why JSON.stringify made no text: a value that it would follow for ever, or one that has no text. */
function whyNoText(error: unknown): string {
  const text = messageOf(error)
  if (error instanceof RangeError) return `nested deeper than ${maxJsonDepth} levels`
  if (error instanceof TypeError && /circular|cyclic/i.test(text)) return 'not JSON: an object in it holds itself'
  return `not JSON: ${text}`
}

/** `text`, or as much of it as `maxBytes` bytes of UTF-8 hold, with a note of what was left out. */
export function cutText(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text)
  if (bytes.length <= maxBytes) return text
  const note = ` … (${bytes.length} bytes, cut)`
  // A cut inside a character leaves replacement characters at the end.
  const kept = bytes.subarray(0, maxBytes - Buffer.byteLength(note)).toString()
  return kept.replace(/(?<!\ufffd)\ufffd+$/, '') + note
}
