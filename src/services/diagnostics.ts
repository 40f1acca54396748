// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../base/clock.ts'
import { AgentError } from '../base/errors.ts'
import { isJsonObject, type JsonObject } from '../base/json.ts'
import { type OptionNames, optionsCheck } from '../config/known-options.ts'
import type { Ask, RequestOptions } from '../protocol/ask.ts'
import { checkWait } from '../protocol/call-fields.ts'
import { diagEcho, diagPing, diagTime } from '../protocol/commands.ts'

const names: OptionNames<RequestOptions> = { timeoutMs: true, signal: true }
const checkPing = optionsCheck<RequestOptions>('diagnostics.ping', names)
const checkTime = optionsCheck<RequestOptions>('diagnostics.time', names)
const checkEcho = optionsCheck<RequestOptions>('diagnostics.echo', names)

/** Questions that prove the whole way to the cloud and back [TR50 3.6]. */
export class DiagnosticsService {
  readonly #ask: Ask
  readonly #clock: Clock

  constructor(parts: { ask: Ask; clock: Clock }) {
    this.#ask = parts.ask
    this.#clock = parts.clock
  }

  /**
   * Asks the cloud for a sign of life and resolves to the milliseconds that it took [TR50 diag.ping].
   *
   * @throws AgentError `TIMEOUT`, `NOT_CONNECTED`, `LINK_LOST`, `REFUSED_BY_CLOUD`, `INVALID_ARGUMENT`
   */
  async ping(options: RequestOptions = {}): Promise<number> {
    checkPing(options)
    checkWait(options)
    const startedMs = this.#clock.monotonicMs()
    await this.#ask(diagPing, options)
    return this.#clock.monotonicMs() - startedMs
  }

  /**
   * Asks the cloud what time it is [TR50 diag.time].
   *
   * @throws AgentError `TIMEOUT`, `NOT_CONNECTED`, `LINK_LOST`, `REFUSED_BY_CLOUD`, `PROTOCOL_VIOLATION`,
   * `INVALID_ARGUMENT`
   */
  async time(options: RequestOptions = {}): Promise<Date> {
    checkTime(options)
    checkWait(options)
    const { time } = await this.#ask(diagTime, options)
    const at = new Date(typeof time === 'number' ? time : Number.NaN)
    if (Number.isNaN(at.getTime()))
      throw new AgentError('PROTOCOL_VIOLATION', 'The cloud answered with a time that is no number of milliseconds.')
    return at
  }

  /**
   * Sends an object through the cloud and resolves to what came back [TR50 diag.echo].
   *
   * @throws AgentError `TIMEOUT`, `NOT_CONNECTED`, `LINK_LOST`, `REFUSED_BY_CLOUD`, `INVALID_ARGUMENT`
   */
  async echo(params: JsonObject, options: RequestOptions = {}): Promise<JsonObject> {
    if (!isJsonObject(params)) throw new AgentError('INVALID_ARGUMENT', 'What is echoed must be an object.')
    checkEcho(options)
    checkWait(options)
    return this.#ask(() => diagEcho(params), options)
  }
}
