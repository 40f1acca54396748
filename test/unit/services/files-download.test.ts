// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { crc32 } from '../../../src/base/crc32.ts'
import { FilesService } from '../../../src/services/files/files-service.ts'
import { fileLimits } from '../../../src/services/files/limits.ts'
import { content, failsWith, scene } from '../../helpers/download-scene.ts'
import { answer, cutAfter, type Manners } from '../../helpers/file-cloud.ts'

test('a file arrives whole, under its final name only, and its check sum is told', async t => {
  const { cloud, files, folder } = await scene(t)
  cloud.put('a.bin', content)
  const path = join(folder, 'b.bin')
  assert.deepEqual(await files.download('a.bin', path), {
    name: 'a.bin',
    path,
    bytes: content.length,
    crc32: crc32(content),
    verified: 'size+crc32',
    tries: 1,
    resumedFromBytes: 0,
  })
  assert.deepEqual(readFileSync(path), content)
  assert.deepEqual(readdirSync(folder), ['b.bin'])
})

test('the request for a file is said as the Python agent says it [TR50 appendix A]', async t => {
  const { cloud, files, folder } = await scene(t)
  cloud.put('u.txt', 'hello')
  await files.download('u.txt', join(folder, 'u.txt'))
  const params = { thingKey: 'K', fileName: 'u.txt', global: false }
  assert.equal(JSON.stringify(cloud.commands), JSON.stringify([{ command: 'file.get', params }]))
  await files.download('u.txt', join(folder, 'u.txt'), { global: true })
  assert.equal(cloud.commands[1]?.params?.global, true)
})

test('the id is escaped in the path, and the file service is the cloud itself at port 443 unless settings name another', async t => {
  const { cloud, files, folder, clock, log } = await scene(t)
  cloud.put('a', 'x')
  await files.download('a', join(folder, 'a'))
  const { requester, https, untilUp } = cloud
  const host = {
    cloudHost: 'cloud.example.test',
    fileXferHost: 'files.example.test',
    fileXferPort: 8443,
    thingKey: 'K',
  }
  const other = new FilesService({ requester, https, untilUp, clock, log: log.log, ...host })
  await other.download('a', join(folder, 'a'))
  await other.upload(join(folder, 'a'))
  assert.deepEqual(
    cloud.requests.map(({ method, host, port, path }) => `${method} ${host}:${port}${path}`),
    [
      'GET cloud.example.test:443/file/id%2F1',
      'GET files.example.test:8443/file/id%2F2',
      'POST files.example.test:8443/file/id%2F3',
    ],
  )
})

test('the id of a file, which is its only key, appears in no log line', async t => {
  const { cloud, files, folder, log } = await scene(t)
  cloud.put('a', content)
  cloud.script.push(answer(503), cutAfter(100))
  await files.download('a', join(folder, 'a'))
  assert.match(log.text(), /tried again/)
  assert.doesNotMatch(log.text(), /id\/|id%2F/)
})

test('an empty file arrives', async t => {
  const { cloud, files, folder } = await scene(t)
  cloud.put('empty', '')
  const result = await files.download('empty', folder)
  assert.deepEqual([result.bytes, result.crc32, result.path], [0, 0, join(folder, 'empty')])
  assert.equal(statSync(join(folder, 'empty')).size, 0)
})

for (const bytes of [0, 1, 65_536, fileLimits.writeBytes, fileLimits.writeBytes + 1, content.length - 1]) {
  test(`a download that is cut after ${bytes} bytes goes on there with a new id`, async t => {
    const { cloud, files, folder } = await scene(t)
    cloud.put('a', content)
    cloud.script.push(cutAfter(bytes))
    const result = await files.download('a', join(folder, 'a'))
    assert.deepEqual(readFileSync(result.path), content)
    assert.deepEqual([result.tries, result.resumedFromBytes], [2, bytes])
    assert.equal(cloud.requests[1]?.range, bytes === 0 ? undefined : `bytes=${bytes}-`)
    assert.notEqual(cloud.requests[0]?.path, cloud.requests[1]?.path)
    assert.equal(cloud.servedBytes, content.length - bytes)
    assert.deepEqual(readdirSync(folder), ['a'])
  })
}

test('a connection that breaks after the last byte has done its work', async t => {
  const { cloud, files, folder } = await scene(t)
  cloud.put('a', content)
  cloud.script.push(cutAfter(content.length))
  assert.equal((await files.download('a', join(folder, 'a'))).tries, 1)
})

test('a large file on a bad link goes on through more cuts than a stuck one would get', async t => {
  const { cloud, files, folder } = await scene(t)
  const large = randomBytes(20 * fileLimits.progressBytes)
  cloud.put('a', large)
  for (let cut = 0; cut < 19; cut++) cloud.script.push(cutAfter(fileLimits.progressBytes))
  const result = await files.download('a', join(folder, 'a'))
  assert.equal(result.tries, 20)
  assert.deepEqual(readFileSync(result.path), large)
})

test('a server that always cuts is given up, with waits that grow, and nothing is left', async t => {
  const { cloud, files, folder, clock } = await scene(t)
  cloud.put('a', content)
  cloud.script.push(...Array.from({ length: 100 }, () => cutAfter(1)))
  await assert.rejects(files.download('a', join(folder, 'a')), failsWith('TCP_FAILED', /failed after 8 tries/))
  assert.equal(cloud.requests.length, fileLimits.triesInARow)
  assert.deepEqual(clock.waitsMs, [750, 1500, 3000, 6000, 12_000, 24_000, 45_000])
  assert.deepEqual(readdirSync(folder), [])
})

test('a server that ignores the range and always cuts does not loop, nor cost data for ever', async t => {
  const { cloud, files, folder } = await scene(t)
  cloud.put('a', content)
  const always = Array.from(
    { length: 100 },
    (): Manners => (request, response, body) => {
      delete request.headers.range
      cutAfter(500_000)(request, response, body)
    },
  )
  cloud.script.push(...always)
  await assert.rejects(files.download('a', join(folder, 'a')), failsWith('PROTOCOL_VIOLATION', /does not go on/))
  assert.equal(cloud.requests.length, fileLimits.startOvers + 2)
  assert.deepEqual(readdirSync(folder), [])
})

test('a server that answers 200 to a range starts over with that very answer', async t => {
  const { cloud, files, folder } = await scene(t)
  cloud.put('a', content)
  cloud.script.push(cutAfter(300_000), (_request, response, body) => response.writeHead(200).end(body))
  const result = await files.download('a', join(folder, 'a'))
  assert.deepEqual([result.tries, result.resumedFromBytes], [2, 0])
  assert.deepEqual(readFileSync(result.path), content)
})

test('an answer 416 starts over', async t => {
  const { cloud, files, folder } = await scene(t)
  cloud.put('a', content)
  cloud.script.push(cutAfter(300_000), answer(416))
  const result = await files.download('a', join(folder, 'a'))
  assert.deepEqual([result.tries, result.resumedFromBytes], [3, 0])
  assert.deepEqual(readFileSync(result.path), content)
})

for (const [lie, range] of Object.entries({
  'another start': 'bytes 100-700000/700001',
  'another size': 'bytes 300000-800000/800001',
  'another size behind the right bytes': 'bytes 300000-700000/800001',
  'a last byte beyond the end': 'bytes 300000-700001/*',
  'no sense': 'items 1-2',
  'a range that runs backwards': 'bytes 300000-299999/700001',
})) {
  test(`a Content-Range with ${lie} is not believed`, async t => {
    const { cloud, files, folder } = await scene(t)
    cloud.put('a', content)
    cloud.script.push(cutAfter(300_000), (_request, response, body) =>
      response.writeHead(206, { 'content-range': range }).end(body.subarray(300_000)),
    )
    const result = await files.download('a', join(folder, 'a'))
    assert.deepEqual([result.tries, result.resumedFromBytes], [3, 0])
    assert.deepEqual(readFileSync(result.path), content)
  })
}

test('a range that the server serves only in part is asked for again from there', async t => {
  const { cloud, files, folder } = await scene(t)
  cloud.put('a', content)
  cloud.script.push(cutAfter(300_000), (_request, response, body) =>
    response.writeHead(206, { 'content-range': 'bytes 300000-399999/700001' }).end(body.subarray(300_000, 400_000)),
  )
  const result = await files.download('a', join(folder, 'a'))
  assert.deepEqual([result.tries, result.resumedFromBytes], [3, 400_000])
  assert.deepEqual(readFileSync(result.path), content)
})

test('a file that changes in the cloud between two tries is not glued together', async t => {
  const { cloud, files, folder } = await scene(t)
  const newer = randomBytes(content.length)
  cloud.put('a', content)
  cloud.script.push((request, response, body) => {
    cutAfter(300_000)(request, response, body)
    cloud.put('a', newer)
  })
  const result = await files.download('a', join(folder, 'a'))
  assert.deepEqual(readFileSync(result.path), newer)
  assert.equal(cloud.requests[1]?.range, undefined)
})

test('a file that became shorter in the cloud has nothing of the longer one at its end', async t => {
  const { cloud, files, folder } = await scene(t)
  cloud.put('a', content)
  cloud.script.push((request, response, body) => {
    cutAfter(600_000)(request, response, body)
    cloud.put('a', 'short')
  })
  const result = await files.download('a', join(folder, 'a'))
  assert.equal(readFileSync(result.path, 'utf8'), 'short')
})

test('without a check sum a cut download starts over, because nothing tells whether it is the same file', async t => {
  const { cloud, files, folder } = await scene(t)
  cloud.put('a', content, { crc32: null })
  cloud.script.push(cutAfter(300_000))
  const result = await files.download('a', join(folder, 'a'))
  assert.equal(cloud.requests[1]?.range, undefined)
  assert.deepEqual([result.verified, result.resumedFromBytes], ['size', 0])
})

test('damaged content is fetched again, and given up when it stays so; an old file stays as it was', async t => {
  const { cloud, files, folder } = await scene(t)
  const path = join(folder, 'a')
  writeFileSync(path, 'old')
  const damaged = Buffer.from(content)
  damaged[350_000] = (damaged[350_000] ?? 0) ^ 1
  cloud.put('a', content)
  cloud.script.push((_request, response) => response.writeHead(200).end(damaged))
  assert.equal((await files.download('a', path)).tries, 2)
  writeFileSync(path, 'old')
  cloud.put('a', damaged, { crc32: crc32(content) })
  await assert.rejects(files.download('a', path), failsWith('CHECKSUM_MISMATCH', /failed after 5 tries/))
  assert.equal(readFileSync(path, 'utf8'), 'old')
  assert.deepEqual(readdirSync(folder), ['a'])
})

test('a body that is longer than the file is not written on, and one that is shorter is not taken', async t => {
  const { cloud, files, folder } = await scene(t)
  cloud.put('a', content)
  const longer = Buffer.concat([content, content])
  cloud.script.push(
    (_request, response) => response.writeHead(200, { 'transfer-encoding': 'chunked' }).end(longer),
    (_request, response) => response.writeHead(200, { 'transfer-encoding': 'chunked' }).end(content.subarray(0, 5000)),
  )
  const result = await files.download('a', join(folder, 'a'))
  assert.deepEqual(readFileSync(result.path), content)
  assert.deepEqual([result.tries, result.resumedFromBytes], [3, 5000])
  assert.equal(cloud.requests[1]?.range, undefined, 'what was too long counts for nothing')
})
