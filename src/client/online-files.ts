// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Settings } from '../config/settings.ts'
import { HttpsClient } from '../connection/http/https.ts'
import type { FilesService } from '../services/files/files-service.ts'
import type { Connection } from './connection.ts'
import { type LinkWait, untilUp } from './link-wait.ts'

interface OnlineFilesParts {
  readonly connection: Connection
  readonly thingKey: string
  readonly settings: Settings
  readonly clock: Clock
  readonly log: Log
}

/** The file transfers of an online client, loaded with the first one: most clients move no files. */
export class OnlineFiles {
  readonly #parts: OnlineFilesParts
  #service: FilesService | undefined

  constructor(parts: OnlineFilesParts) {
    this.#parts = parts
  }

  /** Transfers that run or wait for their turn. */
  get running(): number {
    return this.#service?.running ?? 0
  }

  async open(): Promise<FilesService> {
    const { FilesService } = await import('../services/files/files-service.ts')
    this.#service ??= new FilesService(this.#options())
    return this.#service
  }

  async close(): Promise<void> {
    await this.#service?.close()
  }

  #options() {
    const { connection, thingKey, settings, clock, log } = this.#parts
    const { opener, requester, link } = connection
    const { host, fileXferHost, fileXferPort } = settings.cloud
    const { maxBytes } = settings.fileTransfer
    return {
      requester,
      https: new HttpsClient({ opener, clock, log: log.child('https') }),
      untilUp: (wait: LinkWait) => untilUp(link, clock, wait),
      clock,
      log,
      thingKey,
      cloudHost: host,
      fileXferHost,
      fileXferPort,
      maxDownloadBytes: maxBytes,
    }
  }
}
