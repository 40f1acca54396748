// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { Client, type ClientOptions } from '../../src/index.ts'
import type { LocalCloud } from './local-cloud.ts'
import { memoryLog } from './memory-log.ts'
import { tempDir } from './temp-dir.ts'

export interface ClientScene {
  readonly client: Client
  readonly thingKey: string
  readonly configDir: string
  /** The log of the client so far. */
  log(): string
}

interface SceneOptions extends Omit<ClientOptions, 'logger'> {
  readonly appId?: string
  readonly transport?: 'mqtts' | 'wss' | 'mqtt'
}

/**
 * A client of the local cloud, over TLS unless told otherwise, with a device id and a configuration folder of its own.
 * It is disconnected when the test ends.
 */
export function clientScene(t: TestContext, cloud: LocalCloud, options: SceneOptions = {}): ClientScene {
  const { appId = 'app', transport = 'mqtts', configDir = newDevice(t), settings, ...rest } = options
  const { log, text } = memoryLog()
  const ports = { mqtt: cloud.mqtt, mqtts: cloud.mqtts, wss: cloud.https }
  const client = new Client(appId, {
    configDir,
    logger: log,
    settings: {
      cloud: {
        host: cloud.host,
        port: ports[transport],
        transport,
        token: cloud.token,
        file_xfer_host: cloud.host,
        file_xfer_port: cloud.https,
      },
      ca_bundle_file: cloud.ca,
      ...settings,
    },
    ...rest,
  })
  t.after(() => client.disconnect({ timeoutMs: 1_000 }))
  const scene = { client, configDir, log: text }
  return {
    ...scene,
    get thingKey() {
      if (client.thingKey === undefined) throw new Error('the client has not read its configuration')
      return client.thingKey
    },
  }
}

/** As {@link clientScene}, connected. */
export async function connectedScene(
  t: TestContext,
  cloud: LocalCloud,
  options: SceneOptions & { before?: (client: Client) => void } = {},
): Promise<ClientScene> {
  const { before, ...rest } = options
  const scene = clientScene(t, cloud, rest)
  before?.(scene.client)
  await scene.client.connect({ timeoutMs: 20_000 })
  return scene
}

/** A configuration folder with a device id that no other test has. */
export function newDevice(t: TestContext): string {
  const folder = tempDir(t)
  writeFileSync(join(folder, 'device_id'), `test-${randomUUID().slice(0, 13)}`)
  return folder
}
