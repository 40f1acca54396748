// SPDX-License-Identifier: Apache-2.0
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { setTimeout } from 'node:timers'
import { crc32 } from '../../src/base/crc32.ts'
import { AgentError } from '../../src/base/errors.ts'
import type { JsonObject } from '../../src/base/json.ts'
import { ResponseBody } from '../../src/connection/http/response-body.ts'
import type { Command } from '../../src/protocol/commands.ts'
import type { FileHttps, FileRequester, HttpAnswer, HttpRequest, UntilUp } from '../../src/services/files/types.ts'
import type { TestCertificate } from './test-certificates.ts'

/** How the file service answers one request; the default serves the file as it should. */
export type Manners = (request: IncomingMessage, response: ServerResponse, content: Buffer) => void

export interface StoredFile {
  content: Buffer
  /** What file.get tells beside the id, where it is not the truth. */
  told?: JsonObject
}

/**
 * The two halves of a cloud's file service that a test can bend: TR50 answers by function call, bytes by a real HTTP server.
 * (The real TLS client and the local cloud come together in the integration tests.)
 */
export class FileCloud {
  /** There always is a link. */
  readonly untilUp: UntilUp = async () => {}
  readonly files = new Map<string, StoredFile>()
  /** Manners of the next requests, in order; afterwards the default. */
  readonly script: Manners[] = []
  /** Every TR50 command, in order. */
  readonly commands: Command[] = []
  /** Every HTTP request, in order. */
  readonly requests: {
    method: string
    host: string
    port: number
    path: string
    range: string | undefined
    length: string | undefined
  }[] = []
  /** The Range of every request that arrived, in order. */
  readonly ranges: (string | undefined)[] = []
  /** Called before each TR50 command is answered; may throw. */
  beforeCommand: (command: Command) => void = () => {}
  /** Bytes of file bodies that were handed to the device. */
  servedBytes = 0
  #ids = 0
  readonly #open = new Map<string, { name: string; crc32: unknown }>()
  #port = 0

  /** With a certificate it speaks TLS, for the real client; {@link https} is for the plain one. */
  static async start(t: TestContext, certificate?: TestCertificate): Promise<FileCloud> {
    const cloud = new FileCloud()
    const serve = (request: IncomingMessage, response: ServerResponse) => cloud.#serve(request, response)
    const server =
      certificate === undefined
        ? createServer(serve)
        : createHttpsServer({ cert: certificate.certificate, key: certificate.key }, serve)
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    cloud.#port = (server.address() as AddressInfo).port
    cloud.stop = () => {
      server.closeAllConnections()
      return new Promise(resolve => server.close(() => resolve()))
    }
    t.after(() => cloud.stop())
    return cloud
  }

  /** Ends the HTTP server: from now on its port refuses. TR50 commands are still answered. */
  stop: () => Promise<void> = async () => {}

  put(name: string, content: Buffer | string, told?: JsonObject): void {
    this.files.set(name, { content: Buffer.from(content), ...(told === undefined ? {} : { told }) })
  }

  get port(): number {
    return this.#port
  }

  count(command: string): number {
    return this.commands.filter(one => one.command === command).length
  }

  readonly requester: FileRequester = {
    requestOne: async (command, { signal } = {}) => {
      signal?.throwIfAborted()
      this.commands.push(command)
      this.beforeCommand(command)
      const name = String(command.params?.fileName)
      const fileId = `id/${++this.#ids}`
      this.#open.set(encodeURIComponent(fileId), { name, crc32: command.params?.crc32 })
      if (command.command === 'file.put') return { fileId }
      const file = this.files.get(name)
      if (file === undefined) {
        const details = { errorCodes: [-90008], errorMessages: ['no such file'] }
        throw new AgentError('REFUSED_BY_CLOUD', 'The cloud refused file.get', { details })
      }
      return { fileId, fileSize: file.content.length, crc32: crc32(file.content), ...file.told }
    },
  }

  readonly https: FileHttps = {
    request: asked =>
      new Promise((resolve, reject) => {
        const { method, host, port, path, headers = {}, body } = asked
        this.requests.push({ method, host, port, path, range: headers.range, length: undefined })
        const length = body?.bytes === undefined ? {} : { 'content-length': String(body.bytes) }
        const outgoing = request({
          host: '127.0.0.1',
          port: this.#port,
          method,
          path,
          headers: { ...headers, ...length },
          agent: false,
        })
        const onAbort = () => outgoing.destroy(new Error('aborted'))
        asked.signal?.addEventListener('abort', onAbort, { once: true })
        outgoing.on('close', () => asked.signal?.removeEventListener('abort', onAbort))
        outgoing.on('error', reject)
        outgoing.on('response', response => {
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: bodyOf(response) })
        })
        send(outgoing, asked).catch(error => {
          outgoing.destroy()
          reject(error)
        })
      }),
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const last = this.requests.at(-1)
    if (last !== undefined) last.length = request.headers['content-length']
    this.ranges.push(request.headers.range)
    const id = request.url?.replace('/file/', '') ?? ''
    const slot = this.#open.get(id)
    const content = this.files.get(slot?.name ?? '')?.content ?? Buffer.alloc(0)
    const manners = this.script.shift()
    if (manners !== undefined) manners(request, response, content)
    else if (slot === undefined) response.writeHead(404).end()
    else if (request.method === 'POST') this.#store(request, response, slot)
    else this.serveFile(request, response, content)
  }

  /** As a good server does: all, or the range that is asked for. */
  serveFile(request: IncomingMessage, response: ServerResponse, content: Buffer): void {
    const from = rangeOf(request)
    if (from >= content.length && from > 0) {
      response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end()
      return
    }
    const part = content.subarray(from)
    this.servedBytes += part.length
    if (from === 0) response.writeHead(200, { 'content-length': part.length }).end(part)
    else {
      const range = `bytes ${from}-${content.length - 1}/${content.length}`
      response.writeHead(206, { 'content-range': range, 'content-length': part.length }).end(part)
    }
  }

  #store(request: IncomingMessage, response: ServerResponse, slot: { name: string; crc32: unknown }): void {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const content = Buffer.concat(chunks)
      if (crc32(content) !== slot.crc32) return void response.writeHead(400).end()
      this.files.set(slot.name, { content })
      response.writeHead(200).end()
    })
  }
}

/** As the device's own client reads it, which loses nothing of what came before a cut; Node's iterator does. */
function bodyOf(response: IncomingMessage): HttpAnswer['body'] {
  const silent = () => {}
  const explain = (error: unknown) => (error instanceof Error ? error : new Error(String(error)))
  const pieces = new ResponseBody(response, response.socket, {
    onWait: silent,
    onPiece: silent,
    onBytes: silent,
    explain,
    onEnd: () => response.destroy(),
  })
  return { [Symbol.asyncIterator]: () => pieces, destroy: () => void response.destroy() }
}

async function send(outgoing: ReturnType<typeof request>, { body }: HttpRequest): Promise<void> {
  for await (const chunk of body?.stream ?? []) {
    if (outgoing.destroyed) return
    if (!outgoing.write(chunk)) {
      await new Promise<void>(resolve => {
        const go = () => {
          outgoing.off('drain', go)
          outgoing.off('close', go)
          resolve()
        }
        outgoing.on('drain', go)
        outgoing.on('close', go)
      })
    }
  }
  outgoing.end()
}

/** First byte of a `Range: bytes=N-`, or 0. */
export function rangeOf(request: IncomingMessage): number {
  return Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
}

/** Sends what is asked for, but breaks the connection after `bytes` bytes of it. */
export function cutAfter(bytes: number): Manners {
  return (request, response, content) => {
    const from = rangeOf(request)
    const range = { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` }
    response.writeHead(from > 0 ? 206 : 200, from > 0 ? range : {})
    response.flushHeaders()
    const part = content.subarray(from, from + bytes)
    const cut = () => void setTimeout(() => response.destroy(), 5)
    if (part.length === 0) cut()
    else response.write(part, cut)
  }
}

/** Answers a status and nothing else. */
export function answer(status: number, headers: Record<string, string> = {}): Manners {
  return (request, response) => {
    request.resume()
    response.writeHead(status, headers).end()
  }
}

/**
 * Answers when all of the body is there, as a service does that looks at its check sum. One that answers before may not be heard:
 * the reset for what it did not read takes the answer along.
 */
export function answerBehindBody(status: number): Manners {
  return (request, response) => {
    request.resume()
    request.once('end', () => response.writeHead(status).end())
  }
}
