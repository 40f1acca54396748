// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../../base/clock.ts'
import { AgentError, messageOf, withoutStop } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json.ts'
import { abortReason } from '../../base/wait.ts'
import { namedByFileService } from '../../connection/tcp/named-by.ts'
import { type FilePut, fileGet, filePut } from '../../protocol/commands.ts'
import { CloudError } from '../../protocol/status.ts'
import { refusal } from './http-outcome.ts'
import { fileLimits } from './limits.ts'
import { type Offer, readFileId, readOffer } from './offer.ts'
import type { FileHttps, FileRequester, HttpAnswer, UntilUp } from './types.ts'

export interface ExchangeOptions {
  readonly requester: FileRequester
  readonly https: FileHttps
  readonly untilUp: UntilUp
  readonly clock: Clock
  readonly thingKey: string
  readonly cloudHost: string
  /** The file service, where it is not the cloud's own host and port 443. Both directions use it. */
  readonly fileXferHost?: string | undefined
  readonly fileXferPort?: number | undefined
}

interface Named {
  readonly name: string
  readonly global: boolean
}

/** The conversation about one file: TR50 for the id, HTTPS for the bytes [TR50 5]. */
export class FileExchange {
  readonly #options: ExchangeOptions

  constructor(options: ExchangeOptions) {
    this.#options = options
  }

  /** Asks for a new id to download from, good for one try [TR50 file.get]. Rejects with `FILE_NOT_FOUND` when the store has no such file. */
  async offerOf({ name, global }: Named, signal: AbortSignal): Promise<Offer> {
    const { thingKey } = this.#options
    try {
      return readOffer(await this.#ask(fileGet(thingKey, { fileName: name, global }), signal))
    } catch (error) {
      const codes = error instanceof AgentError ? error.details.errorCodes : undefined
      if (!Array.isArray(codes) || !codes.includes(CloudError.NotFound)) throw error
      const store = global ? 'the global store' : 'the store of this thing'
      throw new AgentError('FILE_NOT_FOUND', `The cloud has no file ${JSON.stringify(name)} in ${store}.`, {
        cause: error,
        details: { errorCodes: codes, name, global },
        remedy: 'Check its name, and in which store of the cloud it is.',
      })
    }
  }

  /** Asks for a new id to upload to, good for one try [TR50 file.put]. */
  async placeFor({ name, ...file }: Named & Omit<FilePut, 'fileName'>, signal: AbortSignal): Promise<string> {
    const { thingKey } = this.#options
    return readFileId(await this.#ask(filePut(thingKey, { ...file, fileName: name }), signal))
  }

  /** Starts the download of a file, from `fromBytes` on. Any answer but 200 and a 206 to a range is an error; the body is the caller's. */
  async get(fileId: string, fromBytes: number, signal: AbortSignal): Promise<HttpAnswer> {
    const range = fromBytes > 0 ? { range: `bytes=${fromBytes}-` } : {}
    // Sizes and ranges count the bytes of the file itself, not of a compressed form of it.
    const headers = { 'accept-encoding': 'identity', ...range }
    const answer = await this.#request({ method: 'GET', fileId, headers }, signal)
    if (answer.status === 200 || (answer.status === 206 && fromBytes > 0)) return answer
    answer.body.destroy()
    throw refusal('the download', answer, this.#options.clock.now())
  }

  /** Sends the bytes of a file; HTTP 200 is the only answer that says "stored" [TR50 5.1]. */
  async post(
    fileId: string,
    body: { readonly stream: AsyncIterable<Uint8Array>; readonly bytes: number },
    signal: AbortSignal,
  ): Promise<void> {
    const headers = { 'content-type': 'application/octet-stream' }
    const answer = await this.#request({ method: 'POST', fileId, headers, body }, signal)
    answer.body.destroy()
    if (answer.status !== 200) throw refusal('the upload', answer, this.#options.clock.now())
  }

  async #ask(command: Parameters<FileRequester['requestOne']>[0], signal: AbortSignal): Promise<JsonObject> {
    const { requester, untilUp } = this.#options
    // A try without a link is pointless, and the pauses of the link are longer than those between tries.
    await untilUp({ timeoutMs: fileLimits.linkWaitMs, signal }).catch(() => {})
    try {
      return await requester.requestOne(command, { signal })
    } catch (error) {
      throw signal.aborted ? abortReason(signal) : error
    }
  }

  async #request(
    what: {
      readonly method: 'GET' | 'POST'
      readonly fileId: string
      readonly headers: Record<string, string>
      readonly body?: { readonly stream: AsyncIterable<Uint8Array>; readonly bytes: number }
    },
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    const { https, cloudHost, fileXferHost, fileXferPort } = this.#options
    const { fileId, ...rest } = what
    const { connectTimeoutMs, downloadIdleMs, uploadIdleMs } = fileLimits
    try {
      return await https.request({
        ...rest,
        host: fileXferHost ?? cloudHost,
        port: fileXferPort ?? 443,
        path: `/file/${encodeURIComponent(fileId)}`,
        connectTimeoutMs,
        idleTimeoutMs: rest.method === 'GET' ? downloadIdleMs : uploadIdleMs,
        namedBy: namedByFileService,
        signal,
      })
    } catch (error) {
      throw signal.aborted ? abortReason(signal) : connectionFailure(error)
    }
  }
}

/** A connection that broke, whichever side noticed it. */
export function connectionFailure(error: unknown): AgentError {
  if (error instanceof AgentError) return error
  return new AgentError('TCP_FAILED', `The connection to the file service broke: ${withoutStop(messageOf(error))}.`, {
    cause: error,
    remedy: 'Try again; if it lasts, look into the log of the file service.',
  })
}
