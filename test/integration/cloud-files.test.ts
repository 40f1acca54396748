// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type LocalCloud, startCloud } from '../helpers/local-cloud.ts'
import { http, type PlainDevice, plainDevice } from '../helpers/plain-device.ts'

const helloCrc32 = 907060870

async function ready(t: TestContext): Promise<{ cloud: LocalCloud; device: PlainDevice }> {
  const cloud = await startCloud(t)
  return { cloud, device: await plainDevice(t, cloud, 'dev-1') }
}

async function put(device: PlainDevice, params: object): Promise<string> {
  const result = await device.command('file.put', params)
  assert.equal(result.success, true, JSON.stringify(result))
  return `/file/${result.params.fileId}`
}

async function get(device: PlainDevice, params: object): Promise<{ path: string; fileSize: number; crc32: number }> {
  const result = await device.command('file.get', params)
  assert.equal(result.success, true, JSON.stringify(result))
  return { path: `/file/${result.params.fileId}`, ...result.params }
}

/** A file of the thing with the given content. */
async function stored(cloud: LocalCloud, device: PlainDevice, fileName: string, body: string | Buffer): Promise<void> {
  const answer = await http(cloud, 'POST', await put(device, { fileName }), { body })
  assert.equal(answer.status, 200)
}

test('an upload is visible before it is answered, and replaces one of the same name [TR50 5.3]', async t => {
  const { cloud, device } = await ready(t)
  for (const body of ['hello', 'hello again']) {
    const path = await put(device, { fileName: 'a.txt', public: false, global: false })
    assert.equal((await device.command('file.get', { fileName: 'b.txt' })).errorCodes[0], -90008)
    assert.equal((await http(cloud, 'POST', path, { body })).status, 200)
    const { result } = await cloud.ask('file.list', { thingKey: 'dev-1' })
    assert.deepEqual(
      result.map((file: { fileName: string; length: number }) => [file.fileName, file.length]),
      [['a.txt', body.length]],
    )
  }
  const { path, fileSize } = await get(device, { fileName: 'a.txt' })
  const answer = await http(cloud, 'GET', path)
  assert.equal(answer.body.toString(), 'hello again')
  assert.equal(answer.body.length, fileSize)
  // Like the real cloud: chunked, without a length.
  assert.equal(answer.headers['transfer-encoding'], 'chunked')
  const folder = join(cloud.dir, readdirSync(cloud.dir).find(name => name.startsWith('files-')) ?? '')
  assert.deepEqual(readdirSync(folder).length, 1)
})

test('takes chunks and a length, and an empty file [TR50 5.1]', async t => {
  const { cloud, device } = await ready(t)
  const content = randomBytes(3_000_000)
  const path = await put(device, { fileName: 'big', global: true })
  assert.equal((await http(cloud, 'POST', path, { body: content, isChunked: true })).status, 200)
  const empty = await put(device, { fileName: 'empty', crc32: 0 })
  assert.equal((await http(cloud, 'POST', empty, { body: '', isChunked: true })).status, 200)
  const big = await get(device, { fileName: 'big', global: true })
  assert.ok((await http(cloud, 'GET', big.path)).body.equals(content))
  const none = await get(device, { fileName: 'empty' })
  assert.deepEqual([none.fileSize, none.crc32], [0, 0])
  const answer = await http(cloud, 'GET', none.path)
  assert.deepEqual([answer.status, answer.body.length], [200, 0])
  // The two stores know nothing of each other.
  assert.equal((await device.command('file.get', { fileName: 'big' })).success, false)
})

test('an upload with a wrong sum is discarded and answered 400', async t => {
  const { cloud, device } = await ready(t)
  const wrong = await put(device, { fileName: 'u.txt', crc32: helloCrc32 + 1 })
  assert.equal((await http(cloud, 'POST', wrong, { body: 'hello' })).status, 400)
  assert.equal((await device.command('file.get', { fileName: 'u.txt' })).success, false)
  assert.equal((await http(cloud, 'POST', wrong, { body: 'hello' })).status, 404)
  const right = await put(device, { fileName: 'u.txt', crc32: helloCrc32 })
  assert.equal((await http(cloud, 'POST', right, { body: 'hello' })).status, 200)
  assert.equal((await get(device, { fileName: 'u.txt' })).crc32, helloCrc32)
})

test('a download can go on where it broke off, with the same id or a new one [TR50 5.3]', async t => {
  const { cloud, device } = await ready(t)
  const content = randomBytes(1_000_000)
  await stored(cloud, device, 'f', content)
  await cloud.fault('cutDownload', { atByte: 400_000, times: 1 })
  const { path } = await get(device, { fileName: 'f' })
  const broken = await http(cloud, 'GET', path)
  assert.equal(broken.isWhole, false)
  assert.equal(broken.body.length, 400_000)
  const rest = await http(cloud, 'GET', path, { headers: { Range: 'bytes=400000-' } })
  assert.equal(rest.status, 206)
  assert.equal(rest.headers['content-range'], 'bytes 400000-999999/1000000')
  assert.ok(Buffer.concat([broken.body, rest.body]).equals(content))
  assert.equal((await http(cloud, 'GET', path)).status, 404)

  const other = await get(device, { fileName: 'f' })
  const beyond = await http(cloud, 'GET', other.path, { headers: { Range: 'bytes=1000000-' } })
  assert.equal(beyond.status, 416)
  assert.equal(beyond.headers['content-range'], 'bytes */1000000')
  const middle = await http(cloud, 'GET', other.path, { headers: { Range: 'bytes=5-9' } })
  assert.ok(middle.body.equals(content.subarray(5, 10)))
})

test('faults of the file service', async t => {
  const { cloud, device } = await ready(t)
  const content = Buffer.from('0123456789')
  await stored(cloud, device, 'f', content)
  const download = async (headers: Record<string, string> = {}) =>
    http(cloud, 'GET', (await get(device, { fileName: 'f' })).path, { headers })

  await cloud.fault('wrongCrc', { times: 1 })
  const { crc32 } = await get(device, { fileName: 'f' })
  assert.notEqual(crc32, (await get(device, { fileName: 'f' })).crc32)

  await cloud.fault('ignoreRange', { times: 1 })
  assert.equal((await download({ Range: 'bytes=4-' })).status, 200)
  assert.equal((await download({ Range: 'bytes=4-' })).status, 206)

  await cloud.fault('fileStatus', { status: 503, on: 'download', times: 2, retryAfterS: 1 })
  const refused = await download()
  assert.deepEqual([refused.status, refused.headers['retry-after']], [503, '1'])
  assert.deepEqual([(await download()).status, (await download()).status], [503, 200])

  await cloud.fault('corruptDownload', { times: 1 })
  assert.ok(!(await download()).body.equals(content))

  await cloud.fault('lengthDownload')
  assert.equal((await download()).headers['content-length'], '10')

  await cloud.fault('slowDownload', { bytesPerSecond: 100, times: 1 })
  assert.ok((await download()).body.equals(content))

  await cloud.fault('singleUseFileId')
  await cloud.fault('cutDownload', { atByte: 3, times: 1 })
  const { path } = await get(device, { fileName: 'f' })
  assert.equal((await http(cloud, 'GET', path)).body.toString(), '012')
  assert.equal((await http(cloud, 'GET', path)).status, 404)

  await cloud.fault('cutUpload', { atByte: 2, times: 1 })
  await assert.rejects(http(cloud, 'POST', await put(device, { fileName: 'g' }), { body: content }))
  assert.equal((await device.command('file.get', { fileName: 'g' })).success, false)
})

test('stored files are removed from the disk when the cloud stops', async t => {
  const { cloud, device } = await ready(t)
  await stored(cloud, device, 'f', 'hello')
  await cloud.stop()
  const kept = ['ca-key.pem', 'ca.pem', 'operator-password', 'server-key.pem', 'server.pem']
  assert.deepEqual(readdirSync(cloud.dir).sort(), kept)
  assert.match(readFileSync(cloud.ca, 'utf8'), /BEGIN CERTIFICATE/)
})
