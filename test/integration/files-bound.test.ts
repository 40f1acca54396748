// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { eventually } from '../helpers/eventually.ts'
import { startCloud } from '../helpers/local-cloud.ts'
import { deviceToken, makeDevice } from '../helpers/managed-device.ts'

test('file_transfer.max_bytes bounds what an operator sends to a device, and the answer names the setting', async t => {
  const cloud = await startCloud(t, { token: deviceToken })
  const fileTransfer = { allow: ['/'], max_bytes: 10 }
  const device = makeDevice(t, cloud, { connection: { file_transfer: fileTransfer } })
  const manager = await device.start()
  await cloud.waitForThing(device.thingKey)
  const exec = (action: string, params: object) => cloud.exec(device.thingKey, action, params)
  for (const [name, content] of [
    ['small', '0123456789'],
    ['large', '0123456789+'],
  ] as const) {
    device.write(`runtime/upload/${name}`, content)
    assert.ok((await exec('file_upload', { file_name: name })).success, 'an upload has no such bound')
  }
  assert.ok((await exec('file_download', { file_name: 'small' })).success)
  const { errorCodes, errorMessages } = await exec('file_download', { file_name: 'large' })
  assert.deepEqual(errorCodes, [14])
  assert.match(errorMessages?.[0] ?? '', /"large" is refused: it has 11 bytes; file_transfer\.max_bytes is 10/)
  assert.deepEqual(readdirSync(device.path('runtime/download')), ['small'])
  const config = JSON.parse(device.read('iot-connect.cfg'))
  device.write('iot-connect.cfg', { ...config, file_transfer: { ...fileTransfer, max_bytes: 11 } })
  for (const round of [1, 2]) {
    manager.kill('SIGHUP')
    await manager.says(new RegExp(`(need a restart.*file_transfer\\.max_bytes[^]*){${round}}`))
  }
})

test('transfers that nobody waits for run a few at a time, and each is refused or answered before', async t => {
  const cloud = await startCloud(t, { token: deviceToken })
  const device = makeDevice(t, cloud, { manager: { wait_for_file_transfer: false } })
  await device.start()
  await cloud.waitForThing(device.thingKey)
  const exec = (action: string, params: object) => cloud.exec(device.thingKey, action, params)
  const names = Array.from({ length: 20 }, (_, index) => `file-${index}`)
  for (const name of names) device.write(`runtime/upload/${name}`, name)
  for (const name of names) assert.ok((await exec('file_upload', { file_name: name })).success)
  assert.deepEqual((await exec('file_upload', { file_name: 'nothing' })).errorCodes, [12])
  assert.deepEqual((await exec('file_upload', { file_path: device.path('iot-connect.cfg') })).errorCodes, [10])
  const down = { file_name: 'file-0', file_path: device.path('iot-connect.cfg') }
  assert.deepEqual((await exec('file_download', down)).errorCodes, [10])

  await eventually('all of them sent and removed', () => readdirSync(device.path('runtime/upload')).length === 0)
})
