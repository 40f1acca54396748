// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'
import type { JsonObject } from '../../base/json.ts'
import type { Log } from '../../base/log.ts'
import { Client } from '../../client/client.ts'
import type { Settings } from '../../config/settings.ts'
import { makeTemporaryFolder } from '../../platform/files/folders.ts'
import { replaceFile } from '../../platform/files/write-file.ts'
import { removeFolder } from '../../platform/held/remove-tree.ts'

const appId = 'validate'

/** A new device: its identity and its queue are in a temporary folder. */
export class Device {
  readonly folder: string
  readonly thingKey: string
  readonly #settings: JsonObject
  readonly #log: Log
  readonly #prepare: (client: Client) => void
  #client: Client | undefined

  private constructor(folder: string, deviceId: string, parts: DeviceParts) {
    this.folder = folder
    this.thingKey = `${deviceId}-${appId}`
    this.#settings = clientSettings(parts.settings, folder)
    this.#log = parts.log
    this.#prepare = parts.prepare
  }

  /** Makes the folder and the identity. Does not connect. */
  static async make(deviceId: string, parts: DeviceParts): Promise<Device> {
    const folder = await makeTemporaryFolder()
    await replaceFile(join(folder, 'device_id'), `${deviceId}\n`)
    return new Device(folder, deviceId, parts)
  }

  /** The running application, started if there is none. Not necessarily connected. */
  get client(): Client {
    if (this.#client === undefined) {
      this.#client = new Client(appId, { configDir: this.folder, settings: this.#settings, logger: this.#log })
      this.#prepare(this.#client)
    }
    return this.#client
  }

  /** The application, connected. */
  async connected(signal: AbortSignal): Promise<Client> {
    const { client } = this
    if (!client.isConnected) await client.connect({ signal })
    return client
  }

  /** Ends the application, as its restart does: the next one finds its queue. Resolves to whether everything was delivered. */
  async end(options: { waitForReplies?: boolean; timeoutMs?: number } = {}): Promise<boolean> {
    const client = this.#client
    this.#client = undefined
    return (await client?.disconnect(options)) ?? true
  }

  path(name: string): string {
    return join(this.folder, name)
  }

  async remove(): Promise<void> {
    await removeFolder(this.folder)
  }
}

export interface DeviceParts {
  readonly settings: Settings
  readonly log: Log
  /** Registers the actions. Called with each new application before it connects. */
  readonly prepare: (client: Client) => void
}

/** The settings of the connection, with a queue of its own: the queue of the real device is not used. */
function clientSettings(
  { cloud, proxy, validateCloudCert, caBundleFile, qosLevel }: Settings,
  folder: string,
): JsonObject {
  const { host, port, token, transport, tls, fileXferHost, fileXferPort } = cloud
  return {
    cloud: { host, port, token, transport, tls, file_xfer_host: fileXferHost, file_xfer_port: fileXferPort },
    ...(proxy === undefined ? {} : { proxy: { ...proxy } }),
    validate_cloud_cert: validateCloudCert,
    ca_bundle_file: caBundleFile,
    qos_level: qosLevel,
    queue: { directory: join(folder, 'queue'), durability: 'spill' },
  }
}
