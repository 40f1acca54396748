// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { systemClock } from '../../src/base/clock.ts'
import { Client } from '../../src/client/client.ts'
import type { ManagedAction } from '../../src/manager/actions/index.ts'
import { Configuration } from '../../src/manager/configuration/index.ts'
import { Rooms } from '../../src/manager/rooms.ts'
import { configFolder } from './config-folder.ts'
import { memoryLog } from './memory-log.ts'

/** The actions of a manager as it registers them. */
export async function registeredActions(t: TestContext): Promise<readonly ManagedAction[]> {
  const { log } = memoryLog()
  const files = {
    configDir: configFolder(t, { 'iot-connect.cfg': connection }),
    configFile: 'iot-connect.cfg',
    settings: {},
  }
  const place = { appId: 'list', ...files }
  const options = { ...place, clock: systemClock, log, onEnd: () => assert.fail('ended') }
  const client = new Client(place.appId, { ...files, logger: log })
  const config = await Configuration.read({ place, log, publish: async () => {} })
  const rooms = new Rooms({ options, client, config, log, status: () => ({}) })
  await rooms.openUpdates()
  return rooms.actions
}

const connection = { cloud: { host: '127.0.0.1', port: 8883, token: 'token' } }
