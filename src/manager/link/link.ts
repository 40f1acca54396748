// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../../base/clock.ts'
import { type AgentError, errorKinds } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import type { Client, ClientStatus } from '../../client/client.ts'
import type { Settings } from '../../config/settings.ts'
import { hostAndPort } from '../../connection/tcp/endpoint.ts'
import { LinkWatch } from './link-watch.ts'

/** Trouble with the cloud, and when it was. */
export interface Trouble {
  readonly error: AgentError
  readonly atEpochMs: number
}

interface LinkParts {
  readonly client: Pick<Client, 'on' | 'status'>
  readonly clock: Clock
  readonly log: Log
  readonly settings: Pick<Settings, 'cloud' | 'keepAliveS'>
  /** There was no link for `keep_alive` seconds. */
  readonly onExpired: () => void
  /** The text of the link may have changed. */
  readonly onChange: () => void
}

/** Follows the link of a client: logs how it goes, remembers the latest trouble, and minds `keep_alive`. */
export class Link {
  readonly #parts: LinkParts
  readonly #watch: LinkWatch
  #lastTrouble: Trouble | undefined
  #stopped = false

  constructor(parts: LinkParts) {
    const { client, clock, settings, onExpired } = parts
    this.#parts = parts
    this.#watch = new LinkWatch({ clock, keepAliveS: settings.keepAliveS, onExpired })
    client.on('connected', () => this.#up())
    client.on('disconnected', error => this.#down(error))
    client.on('rejected', error => this.#remember(error))
    client.on('error', error => this.#remember(error))
  }

  /** `keep_alive` counts from now on: the client is about to connect. */
  start(): void {
    this.#watch.down()
  }

  stop(): void {
    this.#stopped = true
    this.#watch.stop()
  }

  /** For `device-cloud status`. */
  get lastTrouble(): Trouble | undefined {
    return this.#lastTrouble
  }

  /** The state of the link in one line. */
  get text(): string {
    return linkText(this.#parts.settings.cloud, this.#parts.client.status())
  }

  #up(): void {
    this.#parts.log.info('connected to the cloud')
    this.#watch.stop()
    this.#parts.onChange()
  }

  #down(error: AgentError): void {
    const { client, log, onChange } = this.#parts
    if (error.code !== 'CLOSED') {
      this.#remember(error)
      log.warn('connection to the cloud lost', { code: error.code, error })
    }
    if (!this.#stopped) this.#watch.down(client.status().link?.downSinceMonotonicMs)
    onChange()
  }

  #remember(error: AgentError): void {
    this.#lastTrouble = { error, atEpochMs: this.#parts.clock.now() }
  }
}

/** The same for as long as nothing changes. */
function linkText(cloud: Settings['cloud'], { link, thingKey = '' }: ClientStatus): string {
  const place = hostAndPort(cloud)
  if (link?.state === 'up') return `connected to ${place} as ${thingKey}`
  const trouble = link?.lastError
  if (trouble === undefined) return `connecting to ${place}`
  return `not connected to ${place}, still trying: ${errorKinds[trouble.code].meaning} (${trouble.code})`
}
