// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { Client } from '../../../src/client/client.ts'
import { configFolder } from '../../helpers/config-folder.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

test('an application that names no folder has the one of DEVICE_CLOUD_CONFIG_DIR, and one that does has its own', async t => {
  const before = process.env.DEVICE_CLOUD_CONFIG_DIR
  t.after(() => {
    if (before === undefined) delete process.env.DEVICE_CLOUD_CONFIG_DIR
    else process.env.DEVICE_CLOUD_CONFIG_DIR = before
  })
  const connection = { cloud: { host: 'localhost', port: 8883, token: 'x' }, quiet: true }
  const ofVariable = configFolder(t, { 'app-connect.cfg': connection })
  process.env.DEVICE_CLOUD_CONFIG_DIR = ofVariable
  for (const [options, folder] of [
    [{}, ofVariable],
    [{ configDir: configFolder(t, { 'app-connect.cfg': connection }) }, undefined],
  ] as const) {
    const client = new Client('app', options)
    await client.open()
    await client.disconnect()
    assert.ok(readdirSync(folder ?? options.configDir ?? '').includes('device_id'))
  }
  process.env.DEVICE_CLOUD_CONFIG_DIR = tempDir(t)
  const lost = new Client('app')
  await assert.rejects(lost.open(), {
    code: 'CONFIG_INVALID',
    message: new RegExp(process.env.DEVICE_CLOUD_CONFIG_DIR),
  })
})
