// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { valueIn } from '../../../src/config/property.ts'
import type { Setting } from '../../../src/config/setting.ts'
import { settingsTable } from '../../../src/config/table.ts'
import { Configuration } from '../../../src/manager/configuration/index.ts'
import { configFolder } from '../../helpers/config-folder.ts'
import { memoryLog } from '../../helpers/memory-log.ts'
import { otherValues } from '../../helpers/other-values.ts'

const complete = {
  'cloud.host': 'cloud.example.test',
  'cloud.port': 8883,
  'cloud.token': 'T',
  'cloud.transport': 'mqtts',
}
const proxy = { 'proxy.type': 'http', 'proxy.host': 'proxy.example.test', 'proxy.port': 3128 }

/** A manager's configuration, whose files can be written anew. */
async function configured(t: TestContext, files: Readonly<Record<Setting['file'], object>>) {
  const configDir = configFolder(t, {})
  const write = ({ connect, iot }: Readonly<Record<Setting['file'], object>>) => {
    writeFileSync(join(configDir, 'iot-connect.cfg'), JSON.stringify({ ...complete, ...connect }), { mode: 0o600 })
    writeFileSync(join(configDir, 'iot.cfg'), JSON.stringify(iot), { mode: 0o600 })
  }
  write(files)
  const place = { appId: 'iot', configDir, configFile: 'iot-connect.cfg', settings: {} }
  const configuration = await Configuration.read({ place, log: memoryLog().log, publish: async () => {} })
  const valueNow = (setting: Setting) =>
    valueIn(setting.file === 'connect' ? configuration.connection : configuration.own.settings, setting)
  return { configuration, write, valueNow }
}

for (const setting of settingsTable.filter(({ ignored }) => !ignored)) {
  const { key, file, reload } = setting
  test(`a reload with another ${key} of ${file}: ${reload}`, async t => {
    const filesWith = (value: unknown) => {
      const members = { ...(key.startsWith('proxy.') ? proxy : {}), [key]: value }
      return file === 'connect' ? { connect: members, iot: {} } : { connect: {}, iot: members }
    }
    const [one, other] = otherValues(setting)
    const { configuration, write, valueNow } = await configured(t, filesWith(one))
    const first = valueNow(setting)
    assert.notEqual(first, undefined)
    write(filesWith(other))
    assert.deepEqual(await configuration.reload(), reload === 'restart' ? [key] : [])
    if (reload === 'live') assert.notDeepEqual(valueNow(setting), first)
    else assert.deepEqual(valueNow(setting), first)
    // What waits for a restart is named again by the next reload, and no longer when the old value is back.
    assert.deepEqual(await configuration.reload(), reload === 'restart' ? [key] : [])
    write(filesWith(one))
    assert.deepEqual(await configuration.reload(), [])
    assert.deepEqual(valueNow(setting), first)
  })
}

test('a section that is new, or gone, waits for a restart as a whole, and what is live beside it does not', async t => {
  const { configuration, write } = await configured(t, { connect: {}, iot: {} })
  write({ connect: { ...proxy, log_level: 'debug' }, iot: {} })
  assert.deepEqual(await configuration.reload(), ['proxy.type', 'proxy.host', 'proxy.port'])
  assert.equal('proxy' in configuration.connection, false)
  assert.equal(configuration.connection.logLevel, 'debug')

  const proxied = await configured(t, { connect: proxy, iot: {} })
  proxied.write({ connect: { 'file_transfer.allow': ['/srv'], 'file_transfer.max_bytes': 5 }, iot: {} })
  const waiting = ['proxy.type', 'proxy.host', 'proxy.port', 'file_transfer.max_bytes']
  assert.deepEqual(await proxied.configuration.reload(), waiting)
  assert.deepEqual(proxied.configuration.connection.proxy, { type: 'http', host: 'proxy.example.test', port: 3128 })
  assert.deepEqual(proxied.configuration.connection.fileTransfer, { allow: ['/srv'] })
})

test('a switch that the owner adds holds from the next reload on', async t => {
  const { configuration, write } = await configured(t, { connect: {}, iot: {} })
  assert.equal(configuration.isEnabled('rotate.keys'), true)
  write({ connect: {}, iot: { actions_enabled: { 'rotate.keys': false } } })
  assert.deepEqual(await configuration.reload(), [])
  assert.equal(configuration.isEnabled('rotate.keys'), false)
})
