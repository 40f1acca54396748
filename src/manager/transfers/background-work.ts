// SPDX-License-Identifier: Apache-2.0
import { AgentError, messageOf } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import { Slots } from '../../services/files/slots.ts'
import type { Background } from './file-download.ts'

/** Transfers that run hold files open; the others wait. */
const maxAtOnce = 8
const maxWaiting = 1000

/** Transfers behind their answers: aborted when the manager ends; a failure is published as an event. */
export class BackgroundWork {
  readonly #controller = new AbortController()
  readonly #log: Log
  readonly #slots = new Slots(maxAtOnce, maxWaiting)
  readonly #report: (text: string) => Promise<unknown>
  #running = 0

  constructor(parts: { log: Log; report: (text: string) => Promise<unknown> }) {
    this.#log = parts.log
    this.#report = parts.report
  }

  /** How many pieces of work run or wait. */
  get running(): number {
    return this.#running
  }

  readonly start: Background = (what, work) => {
    this.#running++
    this.#run(what, work).catch(error => this.#log.error('event of background work not published', { what, error }))
  }

  stop(): void {
    this.#controller.abort(new AgentError('CLOSED', 'The device manager ends.'))
  }

  async #run(what: string, work: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
    try {
      const { signal } = this.#controller
      const said = await this.#slots.run(signal, () => work(signal))
      this.#log.info('background work done', { what, ...(typeof said === 'string' && said !== '' ? { said } : {}) })
    } catch (error) {
      this.#log.warn('background work failed', { what, error })
      if (!this.#controller.signal.aborted) await this.#report(`${what} failed: ${messageOf(error)}`)
    } finally {
      this.#running--
    }
  }
}
