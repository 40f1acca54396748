// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../../base/clock.ts'
import { AgentError } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import type { ReadableFile } from '../../platform/held/readable-file.ts'
import type { FileExchange } from './file-exchange.ts'
import { fileLimits } from './limits.ts'
import type { marksOf } from './transfer-options.ts'
import { GiveUp, untilDone } from './tries.ts'
import type { UploadedFile } from './types.ts'
import { type KnownContent, UploadSource } from './upload-source.ts'

export interface UploadTools {
  readonly exchange: FileExchange
  readonly clock: Clock
  readonly log: Log
}

export interface UploadTask {
  readonly path: string
  readonly name: string
  readonly global: boolean
  /** What the cloud stores with the file. */
  readonly marks: ReturnType<typeof marksOf>
  /** Opens the file, once: every try sends the file that was checked, even if another one is at its path by then. */
  open(): Promise<ReadableFile>
  readonly signal: AbortSignal
  report(sentBytes: number, totalBytes: number): void
}

/** Sends one file, over all its tries. Every try has a new id and begins at the first byte, because the service cannot resume an upload. */
export async function uploadFile(tools: UploadTools, task: UploadTask): Promise<UploadedFile> {
  const file = await task.open()
  try {
    return await sendOverTries(tools, task, file)
  } finally {
    await file.close()
  }
}

function sendOverTries(tools: UploadTools, task: UploadTask, file: ReadableFile): Promise<UploadedFile> {
  const { clock, log } = tools
  const { signal, name } = task
  let known: KnownContent | undefined
  let mismatches = 0
  return untilDone({ clock, log, signal, what: `the upload of ${JSON.stringify(name)}` }, async tries => {
    const source = await UploadSource.of(task.path, file, signal)
    try {
      known = await source.checksum(known)
      await send(tools.exchange, task, source, known.crc32)
      return { name, path: task.path, bytes: source.bytes, crc32: known.crc32, tries }
    } catch (error) {
      if (!isMismatch(error)) throw error
      known = undefined
      throw ++mismatches >= fileLimits.mismatches ? new GiveUp(error) : error
    }
  })
}

async function send(exchange: FileExchange, task: UploadTask, source: UploadSource, crc32: number): Promise<void> {
  const { signal } = task
  const fileId = await exchange.placeFor({ ...task.marks, name: task.name, global: task.global, crc32 }, signal)
  task.report(0, source.bytes)
  const stream = source.stream(sentBytes => task.report(sentBytes, source.bytes))
  try {
    await exchange.post(fileId, { stream, bytes: source.bytes }, signal)
  } catch (error) {
    // The connection broke only because reading the file failed.
    throw source.failure ?? error
  }
  if (source.failure !== undefined) throw source.failure
  if (!source.isSent && source.bytes > 0) {
    throw new AgentError('PROTOCOL_VIOLATION', 'The file service said "stored" before it had the whole file.')
  }
}

/** The file changed during the upload, or the service got other content than announced (it then answers 400 [TR50 5.1]). */
function isMismatch(error: unknown): error is AgentError {
  return error instanceof AgentError && (error.code === 'FILE_CHANGED' || error.details.status === 400)
}
