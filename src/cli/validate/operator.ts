// SPDX-License-Identifier: Apache-2.0
import { AgentError, retold } from '../../base/errors.ts'
import { isJsonObject, type JsonObject, jsonProblem, parseJson } from '../../base/json.ts'
import type { HttpsClient } from '../../connection/http/https.ts'
import { namedByFileService } from '../../connection/tcp/named-by.ts'
import { refusedError, resultError } from '../../protocol/refusal.ts'
import { type CommandResult, commandResultIn } from '../../protocol/reply.ts'

/** The addresses of the operator's side of a cloud. */
export interface OperatorPlace {
  readonly host: string
  readonly port: number
  readonly fileHost: string
  readonly filePort: number
}

export interface Credentials {
  readonly username: string
  readonly password: string
  /** Key of the organisation to work in, if it is not the user's own. */
  readonly organisation?: string | undefined
}

interface AskOptions {
  /** How long the cloud may take for its answer. */
  readonly timeoutMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

const connectTimeoutMs = 15_000
const answerTimeoutMs = 20_000
const maxAnswerBytes = 4 * 1024 * 1024

/** The cloud from the operator's side: commands by `POST /api`, and the content of files [TR50 8.1]. */
export class Operator {
  readonly #https: HttpsClient
  readonly #place: OperatorPlace
  #sessionId: string | undefined

  constructor(parts: { readonly https: HttpsClient; readonly place: OperatorPlace }) {
    this.#https = parts.https
    this.#place = parts.place
  }

  get isLoggedIn(): boolean {
    return this.#sessionId !== undefined
  }

  /**
   * Logs in. Does not retry, because a cloud locks an account after several wrong passwords.
   *
   * @throws AgentError `OPERATOR_REFUSED`, or the failure of the connection
   */
  async login({ username, password, organisation }: Credentials, signal?: AbortSignal): Promise<void> {
    const params = { username, password }
    const auth = await this.#command('auth', 'api.authenticate', params, { signal }).catch(error => {
      throw unreachable(error)
    })
    if (!auth.ok)
      throw operatorRefused(
        auth.violation === true ? resultError('api.authenticate', auth) : refusedError('the operator', auth),
      )
    const { sessionId } = auth.params
    // The session id becomes an HTTP header, which holds no other characters.
    if (typeof sessionId !== 'string' || !/^[\x21-\x7e]+$/.test(sessionId))
      throw new AgentError('PROTOCOL_VIOLATION', 'The answer to api.authenticate has no session id.')
    this.#sessionId = sessionId
    if (organisation === undefined) return
    const switched = await this.ask('session.org.switch', { key: organisation }, { signal })
    if (switched.ok) return
    this.#sessionId = undefined
    throw operatorRefused(resultError('session.org.switch', switched))
  }

  /** The answer to one command, a success or a refusal. Rejects with the failure of the connection. */
  ask(command: string, params: JsonObject = {}, options: AskOptions = {}): Promise<CommandResult> {
    return this.#command('cmd', command, params, options)
  }

  /** The parameters of a successful answer. Rejects with the error of a refusal, such as `REFUSED_BY_CLOUD`. */
  async do(command: string, params: JsonObject = {}, options: AskOptions = {}): Promise<JsonObject> {
    const result = await this.ask(command, params, options)
    if (!result.ok) throw resultError(command, result)
    return result.params
  }

  /** The content of a file. Its id is the only permission that this needs [TR50 5.2]. */
  async readFile(fileId: string, signal?: AbortSignal): Promise<Buffer> {
    const { fileHost: host, filePort: port } = this.#place
    const path = `/file/${encodeURIComponent(fileId)}`
    const request = { method: 'GET', host, port, path, namedBy: namedByFileService, signal } as const
    const { status, content } = await this.#exchange(request)
    if (status !== 200) throw statusError('GET', { host, port, path }, status)
    return content
  }

  /** Stores the content of a file under the id that `file.put` answered [TR50 5.1]. */
  async writeFile(fileId: string, content: Uint8Array, signal?: AbortSignal): Promise<void> {
    const { fileHost: host, filePort: port } = this.#place
    const path = `/file/${encodeURIComponent(fileId)}`
    const body = { stream: oneChunk(content), bytes: content.length }
    const request = { method: 'POST', host, port, path, body, namedBy: namedByFileService, signal } as const
    const { status } = await this.#exchange(request)
    if (status !== 200) throw statusError('POST', { host, port, path }, status)
  }

  async #command(key: 'auth' | 'cmd', command: string, params: JsonObject, o: AskOptions): Promise<CommandResult> {
    const { host, port } = this.#place
    const request = Buffer.from(JSON.stringify({ [key]: { command, params } }))
    const path = '/api'
    const { status, content: answer } = await this.#exchange({
      method: 'POST',
      host,
      port,
      path,
      headers: {
        'Content-Type': 'application/json',
        ...(this.#sessionId === undefined ? {} : { sessionId: this.#sessionId }),
      },
      body: { stream: oneChunk(request), bytes: request.length },
      ...o,
    })
    const text = answer.toString('utf8')
    const reply = parseJson(text)
    const result = isJsonObject(reply) ? commandResultIn(reply, key) : undefined
    if (status !== 200) {
      // A refusal in the body says more than the HTTP status.
      if (result?.ok === false && result.violation !== true) return result
      throw statusError('POST', { host, port, path }, status)
    }
    if (result !== undefined) return result
    if (reply === undefined)
      throw new AgentError(
        'PROTOCOL_VIOLATION',
        `${host}:${port}: the answer to ${command} is not a JSON object: it is ${jsonProblem(text)}.`,
      )
    throw new AgentError('PROTOCOL_VIOLATION', `${host}:${port}: the answer to ${command} is not a JSON object.`)
  }

  async #exchange(
    request: Omit<Parameters<HttpsClient['request']>[0], 'connectTimeoutMs' | 'idleTimeoutMs'> & AskOptions,
  ): Promise<{ readonly status: number; readonly content: Buffer }> {
    const { timeoutMs = answerTimeoutMs, ...rest } = request
    const { status, body } = await this.#https.request({ namedBy, ...rest, connectTimeoutMs, idleTimeoutMs: timeoutMs })
    const chunks: Uint8Array[] = []
    let bytes = 0
    for await (const chunk of body) {
      bytes += chunk.length
      if (bytes > maxAnswerBytes)
        throw new AgentError('LIMIT_EXCEEDED', `${request.host}: the answer is larger than ${maxAnswerBytes} bytes.`)
      // A copy, because a chunk is valid only until the next one is read.
      chunks.push(Buffer.from(chunk))
    }
    return { status, content: Buffer.concat(chunks) }
  }
}

function statusError(method: string, at: { host: string; port: number; path: string }, status: number): AgentError {
  const { host, port, path } = at
  const message = `${host}:${port} answered ${method} ${withoutFileId(path)} with ${status}.`
  return new AgentError('HTTP_STATUS', message, { details: { status } })
}

const namedBy = { host: '--api-host', port: '--api-port' }

/** The id of a file is the permission to read it, so no error may show it. */
function withoutFileId(path: string): string {
  return path.replace(/^(\/file\/).*/, '$1…')
}

/** Says that the operator API failed, because the message names only a host and a port. */
function unreachable(error: unknown): unknown {
  if (!(error instanceof AgentError) || error.code === 'ABORTED') return error
  const message = `${error.message} (the operator API: --api-host, --api-port)`
  return retold(error, message)
}

function operatorRefused(cause: AgentError): AgentError {
  return new AgentError('OPERATOR_REFUSED', cause.message, { cause, details: cause.details })
}

async function* oneChunk(content: Uint8Array): AsyncGenerator<Uint8Array> {
  yield content
}
