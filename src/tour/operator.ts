// SPDX-License-Identifier: Apache-2.0
/** The requests of an operator's script to the cloud: `POST /api`, and files by id. */
import { request as httpsRequest } from 'node:https'
import { Readable } from 'node:stream'

export interface CloudAddress {
  readonly host: string
  readonly port: number
  /** The CA of the local cloud, PEM. */
  readonly ca: string
}

export interface Answer {
  readonly success: boolean
  readonly params?: Record<string, unknown>
  readonly errorMessages?: readonly string[]
}

/** Is called with the number of bytes that were sent so far. */
export type Progress = (sentBytes: number, totalBytes: number) => void

export class Operator {
  readonly #cloud: CloudAddress
  #sessionId = ''

  constructor(cloud: CloudAddress) {
    this.#cloud = cloud
  }

  async login(username: string, password: string): Promise<void> {
    const body = { auth: { command: 'api.authenticate', params: { username, password } } }
    const auth = answerIn(await this.#call(body), 'auth')
    if (!auth.success) throw new Error(`login: ${auth.errorMessages?.join('; ') ?? 'refused'}`)
    this.#sessionId = String(auth.params?.sessionId)
  }

  /** The answer to one command, also when it failed. */
  async ask(command: string, params: object = {}): Promise<Answer> {
    return answerIn(await this.#call({ cmd: { command, params } }), 'cmd')
  }

  /** The parameters of the answer; throws with the cloud's error messages when the command failed. */
  async do(command: string, params: object = {}): Promise<Record<string, unknown>> {
    const answer = await this.ask(command, params)
    if (!answer.success) throw new Error(`${command}: ${answer.errorMessages?.join('; ') ?? 'refused'}`)
    return answer.params ?? {}
  }

  /** Runs an action on a device and waits for its result. */
  run(thingKey: string, method: string, params: object = {}): Promise<Record<string, unknown>> {
    return this.do('method.exec', { thingKey, method, params, ackTimeout: 60 })
  }

  /** Puts a file into the store of a thing. */
  async putFile(thingKey: string, fileName: string, content: Buffer, progress: Progress): Promise<void> {
    const { fileId } = await this.do('file.put', { thingKey, fileName })
    await this.#post(`/file/${String(fileId)}`, Readable.from(pieces(content, progress)), content.length)
  }

  async listFiles(thingKey: string): Promise<readonly { fileName: string; length: number }[]> {
    const { result } = await this.do('file.list', { thingKey })
    return result as { fileName: string; length: number }[]
  }

  /** The HTTPS connections of the cloud, and the bytes that were sent over each. */
  async connections(): Promise<readonly { id: string; bytesIn: number; bytesOut: number }[]> {
    const { connections } = await this.do('cloud.connections', { transport: 'https' })
    return connections as { id: string; bytesIn: number; bytesOut: number }[]
  }

  #call(body: object): Promise<string> {
    const content = Buffer.from(JSON.stringify(body))
    return this.#post('/api', Readable.from([content]), content.length, { 'content-type': 'application/json' })
  }

  #post(path: string, body: Readable, bytes: number, more: Record<string, string> = {}): Promise<string> {
    const { host, port, ca } = this.#cloud
    const headers = { sessionId: this.#sessionId, 'content-length': bytes, ...more }
    return new Promise((resolve, reject) => {
      const request = httpsRequest({ host, port, ca, path, method: 'POST', headers }, response => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => void chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString()
          if (response.statusCode === 200) resolve(text)
          else reject(new Error(`${path}: HTTP ${response.statusCode} ${text.slice(0, 200)}`))
        })
      })
      request.on('error', reject)
      body.pipe(request)
    })
  }
}

/** The answer to one command; a refusal of the whole request is at the root of the reply. */
function answerIn(text: string, key: 'auth' | 'cmd'): Answer {
  const reply = JSON.parse(text)
  return reply[key] ?? reply
}

function* pieces(content: Buffer, progress: Progress): Generator<Buffer> {
  const pieceBytes = 256 * 1024
  for (let at = 0; at < content.length; at += pieceBytes) {
    const piece = content.subarray(at, at + pieceBytes)
    yield piece
    progress(at + piece.length, content.length)
  }
}
