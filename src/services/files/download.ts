// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../../base/clock.ts'
import { AgentError } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import { throwIfAborted } from '../../base/wait.ts'
import { newFileMode } from '../../platform/files/new-file.ts'
import { makeWay } from '../../platform/held/make-way.ts'
import type { TransferFolder } from '../../platform/held/transfer-folder.ts'
import { parseContentRange } from './content-range.ts'
import type { Destination } from './destination.ts'
import { DownloadRoom } from './download-room.ts'
import { connectionFailure, type FileExchange } from './file-exchange.ts'
import { headerOf } from './http-outcome.ts'
import { fileLimits } from './limits.ts'
import type { Offer } from './offer.ts'
import { type FlashBudget, PartFile } from './part-file.ts'
import type { ProgressMeter } from './progress-meter.ts'
import { GiveUp, untilDone } from './tries.ts'
import type { DownloadResult, HttpAnswer, Verified } from './types.ts'

export interface DownloadTools {
  readonly exchange: FileExchange
  readonly clock: Clock
  readonly log: Log
  readonly budget?: FlashBudget | undefined
  /** The largest file that may come. */
  readonly maxBytes?: number | undefined
}

export interface DownloadTask {
  readonly name: string
  readonly global: boolean
  readonly destination: Destination
  readonly meter: ProgressMeter
  readonly signal: AbortSignal
}

/** One download, over all its tries. Use once: {@link run}. */
export class Download {
  readonly #tools: DownloadTools
  readonly #task: DownloadTask
  readonly #room: DownloadRoom
  /** The folder that the file goes to, once it exists. */
  #folder: TransferFolder | undefined
  #part: PartFile | undefined
  /** The offer that the content received so far belongs to. */
  #offer: Offer | undefined
  /** Size of the whole file, from the offer or else from the file service. */
  #bytes: number | undefined
  #reachedBytes = 0
  #startOvers = 0
  #resumedFromBytes = 0

  constructor(tools: DownloadTools, task: DownloadTask) {
    this.#tools = tools
    this.#task = task
    this.#room = new DownloadRoom(task.name, task.destination.folder, tools.maxBytes)
  }

  /** Resolves when the file is at its destination, checked and on disk. Never leaves a temporary file behind. */
  async run(): Promise<DownloadResult> {
    const { clock, log } = this.#tools
    const { name, signal } = this.#task
    const what = `the download of ${JSON.stringify(name)}`
    const reachedBytes = () => this.#reachedBytes
    try {
      return await untilDone({ clock, log, signal, what, reachedBytes }, number => this.#attempt(number))
    } catch (error) {
      await this.#part?.discard().catch(problem => log.warn('a temporary file stays behind', { error: problem }))
      throw error
    } finally {
      // The caller that opened the checked folder closes it.
      if (this.#folder !== this.#task.destination.folder) await this.#folder?.close()
    }
  }

  async #attempt(number: number): Promise<DownloadResult> {
    const { exchange } = this.#tools
    const { signal, name, destination } = this.#task
    // Ids are good for one use, so every try asks for a new one [TR50 5.3].
    const offer = await exchange.offerOf(this.#task, signal)
    const part = await this.#partFor(offer)
    await this.#receive(part, offer)
    const crc32 = await part.flush()
    const verified = await this.#verify(part, offer, crc32)
    await this.#putInPlace(part)
    const bytes = part.bytes
    return {
      name,
      path: destination.path,
      bytes,
      crc32,
      verified,
      tries: number,
      resumedFromBytes: this.#resumedFromBytes,
    }
  }

  /** The temporary file, with the content that belongs to the file that the cloud offers now. */
  async #partFor(offer: Offer): Promise<PartFile> {
    const { budget } = this.#tools
    const before = this.#offer
    const part = this.#part
    this.#offer = offer
    if (part !== undefined && before !== undefined) {
      // Without a check sum nothing shows whether it is still the same file.
      const isSame = offer.crc32 !== undefined && offer.crc32 === before.crc32 && offer.bytes === before.bytes
      if (isSame) return part
      if (part.bytes > 0) await this.#startOver(part, mismatch('The file in the cloud changed during the download.'))
    }
    this.#bytes = offer.bytes
    await this.#room.expect(offer.bytes)
    const { folder, missing } = this.#task.destination
    // Only now, when there is something to put there: a file that the cloud does not have leaves no folder behind.
    this.#folder ??= await makeWay(folder, missing)
    this.#part = part ?? (await PartFile.create(this.#folder, budget))
    return this.#part
  }

  async #receive(part: PartFile, offer: Offer): Promise<void> {
    const { signal, meter } = this.#task
    const answer = await this.#open(part, offer)
    let cut: AgentError | undefined
    try {
      throwIfAborted(signal)
      for await (const chunk of answer.body) {
        throwIfAborted(signal)
        if (this.#bytes !== undefined && part.bytes + chunk.length > this.#bytes) {
          const error = violation(`sent more than the ${this.#bytes} bytes of the file`)
          await this.#startOver(part, error)
          throw new Unwelcome(error)
        }
        const full = part.append(chunk)
        if (full !== undefined) await full
        if (part.bytes > this.#room.checkedBytes) await this.#room.check(part.bytes, this.#bytes)
        meter.report(part.bytes, this.#bytes)
      }
    } catch (error) {
      throwIfAborted(signal)
      if (error instanceof Unwelcome) throw error.failure
      if (part.failed || error instanceof GiveUp || isOwnLimit(error)) throw error
      cut = connectionFailure(error)
    } finally {
      answer.body.destroy()
    }
    throwIfAborted(signal)
    await part.flush()
    this.#reachedBytes = Math.max(this.#reachedBytes, part.bytes)
    // A connection that breaks after the last byte does no harm.
    if (part.bytes === this.#bytes) return
    if (cut !== undefined) throw cut
    if (this.#bytes === undefined) return
    throw new AgentError('TCP_FAILED', `The file service stopped after ${part.bytes} of ${this.#bytes} bytes.`, {
      remedy: 'Try again; if it lasts, look into the log of the file service.',
    })
  }

  /** Asks for the rest of the file; the body of the answer then begins where the temporary file ends. */
  async #open(part: PartFile, offer: Offer): Promise<HttpAnswer> {
    const from = part.bytes
    const answer = await this.#tools.exchange.get(offer.fileId, from, this.#task.signal).catch(async error => {
      if (from > 0 && error instanceof AgentError && error.details.status === 416) await this.#startOver(part, error)
      throw error
    })
    try {
      await this.#checkHead(part, answer)
      return answer
    } catch (error) {
      answer.body.destroy()
      throw error
    }
  }

  async #checkHead(part: PartFile, answer: HttpAnswer): Promise<void> {
    const from = part.bytes
    const encoding = headerOf(answer, 'content-encoding')
    if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
      throw violation(`sent the file in the encoding ${JSON.stringify(encoding.slice(0, 40))}, which was not asked for`)
    }
    if (answer.status === 206) {
      const range = parseContentRange(headerOf(answer, 'content-range'))
      const total = range?.totalBytes ?? this.#bytes
      if (
        range?.first !== from ||
        (this.#bytes !== undefined && (total !== this.#bytes || range.last >= this.#bytes))
      ) {
        const error = violation('sent another part of the file than the one that was asked for')
        await this.#startOver(part, error)
        throw error
      }
      if (this.#bytes === undefined && range.totalBytes !== undefined) {
        this.#bytes = range.totalBytes
        await this.#room.expect(range.totalBytes, from)
      }
      this.#resumedFromBytes = from
      return
    }
    // A server may ignore a range and send everything [RFC 9110 14.2].
    if (from > 0) await this.#startOver(part, violation('does not go on with an interrupted download'))
    this.#resumedFromBytes = 0
    const length = headerOf(answer, 'content-length')
    if (length === undefined || !/^\d{1,16}$/.test(length)) {
      // Before fetching content that could not be checked.
      if (this.#bytes === undefined && this.#offer?.crc32 === undefined) throw unprovable()
      return
    }
    if (this.#bytes === undefined) {
      this.#bytes = Number(length)
      await this.#room.expect(this.#bytes)
    } else if (Number(length) !== this.#bytes) {
      throw violation(`sends ${length} bytes of a file that has ${this.#bytes}`)
    }
  }

  async #verify(part: PartFile, offer: Offer, crc32: number): Promise<Verified> {
    const hasSize = this.#bytes !== undefined
    if (offer.crc32 === undefined) {
      if (hasSize) return 'size'
      throw unprovable()
    }
    if (crc32 === offer.crc32) return hasSize ? 'size+crc32' : 'crc32'
    const error = mismatch(`The check sum of what arrived is ${crc32}, but the file in the cloud has ${offer.crc32}.`)
    await this.#startOver(part, error)
    throw error
  }

  async #putInPlace(part: PartFile): Promise<void> {
    const { destination, signal } = this.#task
    await part.seal(destination.mode ?? (await newFileMode()))
    // The last moment to stop: a transfer that was ended from outside must not replace a file.
    throwIfAborted(signal)
    const folder = this.#folder ?? destination.folder
    await folder.rename(part.name, destination.name)
    await folder.sync()
  }

  /** Drops the content. When that has happened too often, `reason` ends the download. */
  async #startOver(part: PartFile, reason: AgentError): Promise<void> {
    if (++this.#startOvers > fileLimits.startOvers) throw new GiveUp(reason)
    await part.startOver()
    this.#bytes = this.#offer?.bytes
    this.#task.meter.report(0, this.#bytes)
  }
}

/** Carries a failure of the content past the handling of connection failures. */
class Unwelcome extends Error {
  readonly failure: AgentError

  constructor(failure: AgentError) {
    super(failure.message)
    this.failure = failure
  }
}

/** A failure of the answer, not of the connection: the next try would meet it again. */
function isOwnLimit(error: unknown): boolean {
  return error instanceof AgentError && (error.code === 'LIMIT_EXCEEDED' || error.code === 'DISK_FULL')
}

const unprovable = () =>
  new GiveUp(violation('gives neither size nor check sum, so nothing proves that the file is complete'))
const mismatch = (message: string) => new AgentError('CHECKSUM_MISMATCH', message)
const violation = (message: string) => new AgentError('PROTOCOL_VIOLATION', `The file service ${message}.`)
