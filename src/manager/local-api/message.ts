// SPDX-License-Identifier: Apache-2.0
import { AgentError, type ErrorCode, errorKinds } from '../../base/errors.ts'
import { isJsonObject, type JsonObject, jsonProblem } from '../../base/json.ts'
import { parseWrittenJson, writtenNumbers } from '../../base/written-json.ts'

/** The version of the protocol on the local socket. */
export const socketVersion = 1

/** The longest line that either side sends, in bytes, line end included. */
export const maxLineBytes = 256 * 1024

/** A request: `{"v":1,"id":7,"do":"status", ...}`. The client chooses the id, and every answer carries it. */
export interface LocalRequest {
  readonly id: number | string
  readonly do: string
  readonly body: JsonObject
}

/** An answer. Lines with `progress` may come before the one with `ok`. */
export type LocalAnswer =
  | { readonly v: 1; readonly id: number | string | null; readonly ok: true; readonly result: JsonObject }
  | {
      readonly v: 1
      readonly id: number | string | null
      readonly ok: false
      readonly code: ErrorCode
      readonly message: string
      readonly remedy: string
    }
  | { readonly v: 1; readonly id: number | string; readonly progress: JsonObject }

/** A line that is no request: the answer, and the id under which it goes. */
export class BadRequest extends Error {
  readonly id: number | string | null

  constructor(id: number | string | null, message: string) {
    super(message)
    this.name = 'BadRequest'
    this.id = id
  }
}

/**
 * Reads one line of the local socket.
 *
 * @throws BadRequest when it is not a request of this version
 */
export function parseRequest(line: string): LocalRequest {
  const body = parseWrittenJson(line)
  if (body === undefined) throw new BadRequest(null, `the line is not a JSON object: it is ${jsonProblem(line)}`)
  if (!isJsonObject(body)) throw new BadRequest(null, 'the line is not a JSON object')
  const id = requestId(body)
  if (body.v !== socketVersion)
    throw new BadRequest(id, `this manager speaks version ${socketVersion}: "v" must be ${socketVersion}`)
  if (id === null)
    throw new BadRequest(null, '"id" must be a number up to 9007199254740991, or a string of at most 64 characters')
  if (typeof body.do !== 'string') throw new BadRequest(id, '"do" must be a string')
  return { id, do: body.do, body }
}

/** Null for a number that would come back with other digits: the client would not know it. */
function requestId(body: JsonObject): number | string | null {
  const { id } = body
  if (typeof id === 'number') return id
  return typeof id === 'string' && id.length <= 64 && writtenNumbers(body)?.id === undefined ? id : null
}

export function successAnswer(id: number | string, result: JsonObject): LocalAnswer {
  return { v: socketVersion, id, ok: true, result }
}

export function failureAnswer(id: number | string | null, error: AgentError): LocalAnswer {
  const { code, message, remedy } = error
  return { v: socketVersion, id, ok: false, code, message, remedy }
}

/** An answer as the client reads it: the result, or the error of the manager with its code. Undefined: not an answer. */
export function parseAnswer(line: string):
  | {
      readonly id: number | string | null
      readonly result?: JsonObject
      readonly progress?: JsonObject
      readonly error?: AgentError
    }
  | undefined {
  const body = parseWrittenJson(line)
  if (!isJsonObject(body) || body.v !== socketVersion) return undefined
  const id = typeof body.id === 'number' || typeof body.id === 'string' ? body.id : null
  if (isJsonObject(body.progress)) return { id, progress: body.progress }
  if (body.ok === true) return { id, result: isJsonObject(body.result) ? body.result : {} }
  if (body.ok !== false || typeof body.message !== 'string') return undefined
  const code = typeof body.code === 'string' && isErrorCode(body.code) ? body.code : 'INTERNAL'
  const remedy =
    typeof body.remedy === 'string' && body.remedy !== errorKinds[code].remedy ? { remedy: body.remedy } : {}
  return { id, error: new AgentError(code, body.message, remedy) }
}

function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(errorKinds, text)
}
