// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage } from 'node:http'
import { numberOf } from '../faults/faults.ts'
import { type Commands, type Context, failureOf } from '../requests/command.ts'
import { execute, failureReply, maxRequestBytes, readRequest } from '../requests/envelope.ts'
import type { Session } from '../store/sessions.ts'
import type { State } from '../store/state.ts'
import type { ConnectionRecord } from '../traffic/connections.ts'
import { CommandFailure, codes } from '../values/failure.ts'
import { isObject, type Json, type JsonObject, maxDepth, parseJson } from '../values/json.ts'
import { answer, readBody } from './body.ts'
import type { Exchange } from './exchange.ts'

const json = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' }

/** `POST /api`: commands of operators. The status is 200 also when commands fail [TR50 8.1]. */
export class Api {
  readonly #state: State
  readonly #commands: Commands

  constructor(state: State, commands: Commands) {
    this.#state = state
    this.#commands = commands
  }

  async take({ request, response, record }: Exchange): Promise<void> {
    const text = await readBody(request, maxRequestBytes)
    if (text === undefined) return answer(response, 413, 'The request is too large or incomplete.')
    const body = parseJson(text)
    const names = readRequest(body, this.#commands).names
    // Commands about this cloud itself are not part of the transcript, and no fault strikes them.
    const isTranscribed = !names.some(name => name.startsWith('cloud.'))
    if (isTranscribed) {
      this.#note(record, 'in', text, names)
      const fault = this.#state.faults.take('apiStatus', { commands: names })
      if (fault !== undefined)
        return answer(response, numberOf(fault, 'status', 503), 'This is a fault of the local cloud.')
      const refusal = this.#state.faults.take('refuseApi', { commands: names })
      if (refusal !== undefined)
        return answer(
          response,
          numberOf(refusal, 'status', 200),
          JSON.stringify(failureReply(failureOf(refusal))),
          json,
        )
    }
    const reply = JSON.stringify(await this.#reply(body, request, record))
    if (isTranscribed) this.#note(record, 'out', reply, names)
    answer(response, 200, reply, json)
  }

  async #reply(body: Json | undefined, request: IncomingMessage, record: ConnectionRecord): Promise<JsonObject> {
    if (!isObject(body))
      return failureReply(
        new CommandFailure(
          codes.malformed,
          `The body is not a JSON object, or is nested deeper than ${maxDepth} levels.`,
        ),
      )
    const { auth, ...rest } = body
    const from = { connection: record.id, remoteAddress: record.remoteAddress, transport: record.transport }
    const header = request.headers.sessionid
    let sessionId = typeof header === 'string' ? header : undefined
    let authReply: JsonObject = {}
    if (isObject(auth) && typeof auth.sessionId === 'string') sessionId = auth.sessionId
    else if (auth !== undefined) {
      // The login is executed first; the other commands run in its session.
      authReply = await execute(readRequest({ auth }, this.#commands), this.#context(undefined, from))
      sessionId = sessionIdIn(authReply) ?? sessionId
    }
    if (Object.keys(rest).length === 0) return authReply
    const session = sessionId === undefined ? undefined : this.#state.sessions.byHttpId(sessionId)
    const replies = await execute(readRequest(rest, this.#commands), this.#context(session, from))
    return { ...authReply, ...replies }
  }

  #context(session: Session | undefined, from: Context['from']): Context {
    return { state: this.#state, session, from }
  }

  #note(record: ConnectionRecord, direction: 'in' | 'out', text: string, commands: readonly string[]): void {
    this.#state.transcript.add({ kind: 'http', direction, connection: record.id, topic: 'POST /api', text, commands })
  }
}

function sessionIdIn(reply: JsonObject): string | undefined {
  const params = isObject(reply.auth) ? reply.auth.params : undefined
  return isObject(params) && typeof params.sessionId === 'string' ? params.sessionId : undefined
}
