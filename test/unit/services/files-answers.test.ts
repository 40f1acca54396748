// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { crc32 } from '../../../src/base/crc32.ts'
import { AgentError } from '../../../src/base/errors.ts'
import { fileLimits } from '../../../src/services/files/limits.ts'
import { content, failsWith, scene } from '../../helpers/download-scene.ts'
import { answer } from '../../helpers/file-cloud.ts'

test('a Content-Length that contradicts the cloud is refused before a byte is written', async t => {
  const { cloud, files, folder } = await scene(t)
  cloud.put('a', content, { fileSize: 10 })
  await assert.rejects(files.download('a', join(folder, 'a')), failsWith('PROTOCOL_VIOLATION', /sends 700001 bytes/))
})

test('a compressed answer that was not requested is refused', async t => {
  const { cloud, files, folder } = await scene(t)
  cloud.put('a', 'abc')
  cloud.script.push((_request, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('abc'))
  assert.equal((await files.download('a', join(folder, 'a'))).tries, 2)
})

test('sizes and check sums are taken in every form that clouds use, and nothing else', async t => {
  const { cloud, files, folder } = await scene(t)
  const text = 'a file whose CRC has the top bit'
  const sum = crc32(Buffer.from(text))
  for (const [told, verified] of [
    [{ crc32: String(sum) }, 'size+crc32'],
    [{ crc32: sum | 0 }, 'size+crc32'],
    [{ fileSize: null }, 'size+crc32'],
    [{ fileSize: null, crc32: null }, 'size'],
  ] as const) {
    cloud.put('a', text, told)
    assert.equal((await files.download('a', join(folder, 'a'))).verified, verified, JSON.stringify(told))
  }
  for (const told of [
    { fileSize: -1 },
    { fileSize: 1.5 },
    { fileSize: '12' },
    { crc32: 2 ** 32 },
    { crc32: 'abc' },
    { fileId: '' },
    { fileId: 7 },
    { fileId: '..' },
    { fileId: '\ud800' },
  ]) {
    cloud.put('a', text, told)
    await assert.rejects(files.download('a', join(folder, 'a')), failsWith('PROTOCOL_VIOLATION'), JSON.stringify(told))
  }
})

test('a file of which neither size nor check sum is known proves nothing and is refused', async t => {
  const { cloud, files, folder } = await scene(t)
  cloud.put('a', 'abc', { fileSize: null, crc32: null })
  cloud.script.push((_request, response) => {
    response.write('abc')
    response.end()
  })
  await assert.rejects(
    files.download('a', join(folder, 'a')),
    failsWith('PROTOCOL_VIOLATION', /neither size nor check sum/),
  )
  assert.deepEqual(readdirSync(folder), [])
})

test('a file that the cloud does not have is said so at once, with its codes', async t => {
  const { cloud, files, folder } = await scene(t)
  await assert.rejects(files.download('gone', join(folder, 'a'), { global: true }), (error: unknown) => {
    failsWith('FILE_NOT_FOUND', /"gone" in the global store/)(error)
    assert.deepEqual(error instanceof AgentError && error.details.errorCodes, [-90008])
    assert.match(error instanceof AgentError ? error.remedy : '', /^Check its name, and in which store/)
    return true
  })
  assert.equal(cloud.commands.length, 1)
})

test('what the cloud refuses for another reason is not tried again; a lost link is', async t => {
  const { cloud, files, folder } = await scene(t)
  cloud.put('a', 'abc')
  cloud.beforeCommand = () => {
    throw new AgentError('REFUSED_BY_CLOUD', 'no', { details: { errorCodes: [-1], errorMessages: ['no'] } })
  }
  await assert.rejects(files.download('a', join(folder, 'a')), failsWith('REFUSED_BY_CLOUD'))
  assert.equal(cloud.commands.length, 1)
  let lost = 2
  cloud.beforeCommand = () => {
    if (lost-- > 0) throw new AgentError('LINK_LOST', 'gone')
  }
  assert.equal((await files.download('a', join(folder, 'a'))).tries, 3)
})

for (const status of [401, 403, 413, 301, 204, 501]) {
  test(`an answer ${status} is final`, async t => {
    const { cloud, files, folder } = await scene(t)
    cloud.put('a', 'abc')
    cloud.script.push(answer(status, { location: 'http://127.0.0.1:1/' }))
    await assert.rejects(files.download('a', join(folder, 'a')), (error: unknown) => {
      failsWith(status === 413 ? 'LIMIT_EXCEEDED' : 'REFUSED_BY_CLOUD', new RegExp(`HTTP ${status}`))(error)
      assert.ok(error instanceof AgentError && error.details.status === status)
      return true
    })
    assert.equal(cloud.requests.length, 1)
  })
}

for (const status of [404, 410, 408, 429, 500, 502, 503]) {
  test(`an answer ${status} is tried again with a new id, and given up in the end`, async t => {
    const { cloud, files, folder } = await scene(t)
    cloud.put('a', 'abc')
    cloud.script.push(answer(status))
    assert.equal((await files.download('a', join(folder, 'a'))).tries, 2)
    assert.equal(new Set(cloud.requests.map(({ path }) => path)).size, 2)
    cloud.script.push(...Array.from({ length: 20 }, () => answer(status)))
    await assert.rejects(files.download('a', join(folder, 'a')), failsWith('HTTP_STATUS'))
    assert.equal(cloud.requests.length, 2 + fileLimits.triesInARow)
  })
}

test('Retry-After is honoured in both its forms, within bounds', async t => {
  const { cloud, files, folder, clock } = await scene(t)
  cloud.put('a', 'abc')
  const inTwoMinutes = new Date(clock.now() + 120_000).toUTCString()
  const values = ['45', inTwoMinutes, '999999999', 'soon', '-5']
  cloud.script.push(...values.map(value => answer(503, { 'retry-after': value })))
  await files.download('a', join(folder, 'a'))
  const [seconds, date, huge, ...nonsense] = clock.waitsMs
  assert.equal(seconds, 45_000)
  assert.ok(date !== undefined && date > 70_000 && date <= 120_000, String(date))
  assert.equal(huge, fileLimits.retryAfterMs)
  assert.deepEqual(nonsense, [6000, 12_000])
})

test('a certificate that is refused ends the transfer at once, because trying again only hides it', async t => {
  const { cloud, files, folder } = await scene(t)
  cloud.put('a', 'abc')
  let asked = 0
  cloud.https.request = async () => {
    asked++
    throw new AgentError('CERTIFICATE_REFUSED', 'not trusted')
  }
  await assert.rejects(files.download('a', join(folder, 'a')), failsWith('CERTIFICATE_REFUSED'))
  assert.equal(asked, 1)
})
