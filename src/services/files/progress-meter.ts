// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { fileLimits } from './limits.ts'
import type { TransferProgress } from './types.ts'

/** Reports to the caller how far a transfer is, rarely enough to cost nothing. */
export class ProgressMeter {
  readonly #clock: Clock
  readonly #log: Log
  readonly #listener: ((progress: TransferProgress) => void) | undefined
  #reportedAtMs: number | undefined
  #reported: TransferProgress | undefined
  #latest: TransferProgress = { transferredBytes: 0, totalBytes: undefined }

  constructor(options: { clock: Clock; log: Log; listener: ((progress: TransferProgress) => void) | undefined }) {
    this.#clock = options.clock
    this.#log = options.log
    this.#listener = options.listener
  }

  get latest(): TransferProgress {
    return this.#latest
  }

  report(transferredBytes: number, totalBytes: number | undefined): void {
    this.#latest = { transferredBytes, totalBytes }
    if (this.#listener === undefined) return
    const nowMs = this.#clock.monotonicMs()
    if (this.#reportedAtMs !== undefined && nowMs - this.#reportedAtMs < fileLimits.progressEveryMs) return
    this.#reportedAtMs = nowMs
    this.#report()
  }

  /** Reports the last state unless it was reported. */
  finish(): void {
    if (this.#listener !== undefined && this.#reported !== this.#latest) this.#report()
  }

  #report(): void {
    this.#reported = this.#latest
    const failed = (error: unknown) => this.#log.limited('progress-listener', 'warn', 'onProgress failed', { error })
    try {
      const returned: unknown = this.#listener?.(this.#latest)
      if (returned instanceof Promise) returned.catch(failed)
    } catch (error) {
      failed(error)
    }
  }
}
