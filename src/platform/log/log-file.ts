// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:fs'
import { type FileHandle, open, rename } from 'node:fs/promises'
import type { Clock } from '../../base/clock.ts'
import { AgentError, messageOf } from '../../base/errors.ts'
import { formatLogRecord, type LogRecord } from '../../base/log.ts'

export interface LogFileOptions {
  readonly path: string
  readonly clock: Clock
  /** A file larger than this becomes `path.1`, that one `path.2`, and so on (default 1 MiB). */
  readonly maxBytes?: number
  /** How many old files are kept (default 3). The whole log is thus bounded by `(keep + 1) * maxBytes`. */
  readonly keep?: number
}

const maxWaitingBytes = 256 * 1024
/** After a failure the disk is left alone for this long. */
const pauseMs = 5_000
const { O_WRONLY, O_CREAT, O_APPEND, O_NOFOLLOW, O_NONBLOCK } = constants

/**
 * A log file of mode 0600, appended to and rotated by size. A failing disk is never an error of the caller: lines are lost and counted,
 * and the disk is tried again. Lines that arrive during a write go out together in the next one, without fsync: a log must not wear
 * the flash.
 */
export class LogFile {
  readonly #path: string
  readonly #clock: Clock
  readonly #maxBytes: number
  readonly #keep: number
  #handle: FileHandle | undefined
  #bytes = 0
  #waiting: string[] = []
  #waitingBytes = 0
  #lost = 0
  #lostUnreported = 0
  #lastFailure: string | undefined
  #pausedUntilMs = Number.NEGATIVE_INFINITY
  #writing: Promise<void> | undefined
  #closed = false

  constructor(options: LogFileOptions) {
    this.#path = options.path
    this.#clock = options.clock
    this.#maxBytes = options.maxBytes ?? 1024 * 1024
    this.#keep = options.keep ?? 3
  }

  /** Takes a record; the sink of this file. */
  readonly sink = (record: LogRecord): void => {
    const line = `${formatLogRecord(record)}\n`
    const isPaused = this.#clock.monotonicMs() < this.#pausedUntilMs
    if (this.#closed || isPaused || this.#waitingBytes + line.length > maxWaitingBytes) {
      this.#lose(1)
      return
    }
    this.#waiting.push(line)
    this.#waitingBytes += line.length
    this.#writing ??= this.#drain()
  }

  lostLines(): number {
    return this.#lost
  }

  /** Why lines were lost the last time; undefined when none was. */
  get lastFailure(): string | undefined {
    return this.#lastFailure
  }

  /** Waits until what was taken is written or lost. */
  async flush(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing
  }

  /** Opens the file anew at the next line, for a program that moved it away (logrotate). */
  async reopen(): Promise<void> {
    await this.flush()
    await this.#closeHandle()
  }

  /** Writes what waits and closes; later lines are lost. */
  async close(): Promise<void> {
    this.#closed = true
    await this.flush()
    await this.#closeHandle()
  }

  async #drain(): Promise<void> {
    // Lines of the same turn of the event loop go out in one write.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const lines = this.#waiting
      this.#waiting = []
      this.#waitingBytes = 0
      try {
        await this.#write(lines)
      } catch (error) {
        this.#lastFailure = messageOf(error)
        this.#lose(lines.length)
        this.#pausedUntilMs = this.#clock.monotonicMs() + pauseMs
        await this.#closeHandle()
      }
    }
    this.#writing = undefined
  }

  async #write(lines: readonly string[]): Promise<void> {
    const lost = this.#lostUnreported
    const head =
      lost === 0 ? '' : `${new Date(this.#clock.now()).toISOString()} WARN  log: lines were lost lines=${lost}\n`
    const text = Buffer.from(head + lines.join(''))
    if (this.#handle !== undefined && this.#bytes > 0 && this.#bytes + text.length > this.#maxBytes)
      await this.#rotate()
    this.#handle ??= await this.#open()
    // One call may write less than asked for: on a full disk the next one says why.
    for (let done = 0; done < text.length; ) {
      const { bytesWritten } = await this.#handle.write(text, done, text.length - done)
      done += bytesWritten
      this.#bytes += bytesWritten
    }
    this.#lostUnreported -= lost
  }

  async #open(): Promise<FileHandle> {
    // Without O_NONBLOCK a FIFO of this name would block a thread until a program reads it.
    const handle = await open(this.#path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK, 0o600)
    try {
      const facts = await handle.stat()
      // A user who can write in the folder may have made this a second name of any other file.
      if (!facts.isFile() || facts.nlink > 1)
        throw new AgentError('FILE_ACCESS', `${this.#path} is not a regular file, or has several names.`, {
          remedy: 'Look at it, and move it away.',
        })
      this.#bytes = facts.size
    } catch (error) {
      await handle.close()
      throw error
    }
    return handle
  }

  async #rotate(): Promise<void> {
    if (this.#keep === 0) await this.#handle?.truncate(0)
    await this.#closeHandle()
    for (let number = this.#keep; number > 0; number--) {
      const from = number === 1 ? this.#path : `${this.#path}.${number - 1}`
      await rename(from, `${this.#path}.${number}`).catch(ignoreMissing)
    }
  }

  async #closeHandle(): Promise<void> {
    const handle = this.#handle
    this.#handle = undefined
    await handle?.close().catch(() => undefined)
  }

  #lose(lines: number): void {
    this.#lost += lines
    this.#lostUnreported += lines
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error
}
