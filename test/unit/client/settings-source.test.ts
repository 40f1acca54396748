// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client } from '../../../src/client/client.ts'
import { loadClientConfig } from '../../../src/config/load.ts'
import { configFolder } from '../../helpers/config-folder.ts'
import { memoryLog } from '../../helpers/memory-log.ts'

const wrong = { qos_level: 7 } as const
const message = (source: string) => `${source}: qos_level is 7. Write a whole number from 0 to 1.`

test('a mistake in the settings given to a client is not blamed on a command line', async t => {
  const configDir = configFolder(t, {})
  const client = new Client('app', { configDir, offline: true, settings: wrong })
  t.after(() => client.disconnect())
  await assert.rejects(client.open(), { code: 'CONFIG_INVALID', message: message('the settings given to the client') })
})

test('a mistake in a flag of the agent is one of the command line, in its own client too', async t => {
  const configDir = configFolder(t, {})
  const loaded = loadClientConfig({ appId: 'app', configDir, settings: wrong, environment: {}, offline: true })
  await assert.rejects(loaded, { code: 'CONFIG_INVALID', message: message('command line') })
  const client = new Client('app', { configDir, offline: true, settings: wrong, logger: memoryLog().log })
  t.after(() => client.disconnect())
  await assert.rejects(client.open(), { code: 'CONFIG_INVALID', message: message('command line') })
})
