import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { getEventListeners } from 'node:events'
import {
  chmodSync,
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Clock } from '../../../src/base/clock.ts'
import { crc32 } from '../../../src/base/crc32.ts'
import { AgentError, type ErrorCode } from '../../../src/base/errors.ts'
import type { PrivateFile } from '../../../src/platform/files/held/private-file.ts'
import type { Space } from '../../../src/platform/files/space.ts'
import type { TransferFiles } from '../../../src/platform/files/transfer-files.ts'
import { WriteBudget } from '../../../src/platform/store/write-budget.ts'
import { FilesService } from '../../../src/services/files/files-service.ts'
import { fileLimits } from '../../../src/services/files/limits.ts'
import { removeStaleParts } from '../../../src/services/files/stale-parts.ts'
import type { TransferProgress } from '../../../src/services/files/types.ts'
import { openDescriptors } from '../../helpers/attacker.ts'
import { eventually } from '../../helpers/eventually.ts'
import { FakeClock, settle } from '../../helpers/fake-clock.ts'
import { answer, cutAfter, FileCloud, type Manners } from '../../helpers/file-cloud.ts'
import { HurriedClock } from '../../helpers/hurried-clock.ts'
import { memoryLog } from '../../helpers/memory-log.ts'
import { withFolders } from '../../helpers/odd-folders.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

interface Scene {
  cloud: FileCloud
  files: FilesService
  folder: string
  log: ReturnType<typeof memoryLog>
}

async function scene<C extends Clock = HurriedClock>(
  t: TestContext,
  options: { clock?: C; files?: TransferFiles; maxDownloadBytes?: number } = {},
): Promise<Scene & { clock: C }> {
  const cloud = await FileCloud.start(t)
  const clock = options.clock ?? (new HurriedClock() as Clock as C)
  const log = memoryLog(clock)
  const { requester, https, untilUp } = cloud
  const files = new FilesService({
    requester,
    https,
    untilUp,
    clock,
    log: log.log,
    thingKey: 'K',
    cloudHost: 'cloud.example.test',
    ...(options.files === undefined ? {} : { files: options.files }),
    ...(options.maxDownloadBytes === undefined ? {} : { maxDownloadBytes: options.maxDownloadBytes }),
  })
  t.after(() => files.close())
  return { cloud, files, folder: tempDir(t), clock, log }
}

const failsWith = (code: ErrorCode, text?: RegExp) => (error: unknown) => {
  assert.ok(error instanceof AgentError, String(error))
  assert.equal(error.code, code, error.message)
  if (text !== undefined) assert.match(error.message, text)
  return true
}

const content = randomBytes(700_001)

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

test('a Content-Length that contradicts the cloud is refused before a byte is written', async t => {
  const { cloud, files, folder } = await scene(t)
  cloud.put('a', content, { fileSize: 10 })
  await assert.rejects(files.download('a', join(folder, 'a')), failsWith('PROTOCOL_VIOLATION', /sends 700001 bytes/))
})

test('a compressed answer that nobody asked for is refused', async t => {
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

test('a folder as the destination takes the file under its name, if that is a plain one', async t => {
  const { cloud, files, folder } = await scene(t)
  for (const name of ['a.txt', '..', 'sub/a.txt', '../a.txt', '/etc/passwd', 'a\\b', '.']) cloud.put(name, 'x')
  assert.equal((await files.download('a.txt', folder)).path, join(folder, 'a.txt'))
  assert.equal((await files.download('a.txt', `${folder}/`)).path, join(folder, 'a.txt'))
  const before = cloud.commands.length
  for (const name of ['..', 'sub/a.txt', '../a.txt', '/etc/passwd', 'a\\b', '.'])
    await assert.rejects(files.download(name, folder), failsWith('INVALID_ARGUMENT', /plain file name/))
  for (const name of ['', 'a\nb', 'a\0b', 'x'.repeat(2000)])
    await assert.rejects(files.download(name, folder), failsWith('INVALID_ARGUMENT'))
  assert.equal(cloud.commands.length, before)
  assert.equal((await files.download('sub/a.txt', join(folder, 'b.txt'))).bytes, 1)
})

test('a symbolic link at the destination is replaced, and the file behind it stays as it is', async t => {
  const { cloud, files, folder } = await scene(t)
  cloud.put('a', 'new')
  writeFileSync(join(folder, 'victim'), 'precious')
  symlinkSync(join(folder, 'victim'), join(folder, 'a'))
  await files.download('a', join(folder, 'a'))
  assert.equal(readFileSync(join(folder, 'victim'), 'utf8'), 'precious')
  assert.ok(lstatSync(join(folder, 'a')).isFile())
})

test('a symbolic link to a folder is followed only when the destination ends with a slash', async t => {
  const { cloud, files, folder } = await scene(t)
  cloud.put('a', 'new')
  mkdirSync(join(folder, 'real'))
  symlinkSync(join(folder, 'real'), join(folder, 'link'))
  await assert.rejects(files.download('a', join(folder, 'link')), failsWith('INVALID_ARGUMENT', /end it with \//))
  await files.download('a', `${join(folder, 'link')}/`)
  assert.equal(readFileSync(join(folder, 'real', 'a'), 'utf8'), 'new')
})

test('a destination that cannot be one is named before the cloud is asked', async t => {
  const { cloud, files, folder } = await scene(t)
  cloud.put('a', 'new')
  mkdirSync(join(folder, 'sub', 'a'), { recursive: true })
  await assert.rejects(files.download('a', ''), failsWith('INVALID_ARGUMENT'))
  await assert.rejects(files.download('a', '/dev/null'), failsWith('INVALID_ARGUMENT', /device/))
  await assert.rejects(files.download('a', join(folder, 'sub')), failsWith('INVALID_ARGUMENT', /is a folder/))
  writeFileSync(join(folder, 'file'), '')
  symlinkSync('nowhere', join(folder, 'dangling'))
  for (const [above, why] of [
    ['file', /not a folder/],
    ['dangling', /leads nowhere/],
  ] as const)
    for (const path of [`${above}/`, `${above}/a`, `${above}/new/a`])
      await assert.rejects(files.download('a', join(folder, path)), error => {
        assert.match(String(error), why, path)
        return true
      })
  assert.equal(cloud.commands.length, 0)
  assert.deepEqual(readdirSync(folder).sort(), ['dangling', 'file', 'sub'])
})

test('folders that are missing on the way are made, with the rights of the file', async t => {
  const { cloud, files, folder } = await scene(t)
  cloud.put('a', 'content')
  const before = process.umask(0o027)
  t.after(() => process.umask(before))
  assert.equal((await files.download('a', join(folder, 'new/deep/b'))).path, join(folder, 'new/deep/b'))
  assert.equal((await files.download('a', join(folder, 'other/'))).path, join(folder, 'other/a'))
  for (const path of ['new', 'new/deep', 'other']) assert.equal(statSync(join(folder, path)).mode & 0o777, 0o750, path)
  assert.equal(readFileSync(join(folder, 'new/deep/b'), 'utf8'), 'content')
  assert.deepEqual(readdirSync(join(folder, 'other')), ['a'])
  assert.deepEqual(openDescriptors(folder), [], 'nothing stays open')
})

test('a file that the cloud does not have leaves no folder behind, and a link that comes meanwhile leads nowhere', async t => {
  const { cloud, files, folder } = await scene(t)
  await assert.rejects(files.download('gone', join(folder, 'new/deep/b')), failsWith('FILE_NOT_FOUND'))
  assert.deepEqual(readdirSync(folder), [])
  cloud.put('a', 'content')
  mkdirSync(join(folder, 'trap'))
  cloud.beforeCommand = () => symlinkSync('trap', join(folder, 'new'))
  await assert.rejects(files.download('a', join(folder, 'new/deep/b')), error => error instanceof AgentError)
  assert.deepEqual(readdirSync(join(folder, 'trap')), [])
  assert.deepEqual(openDescriptors(folder), [], 'nothing stays open')
})

test('a new file gets the mode of the umask; one that is replaced hands down its own', async t => {
  const { cloud, files, folder } = await scene(t)
  cloud.put('a', 'x')
  const { path } = await files.download('a', folder)
  assert.equal(statSync(path).mode & 0o777, 0o666 & ~process.umask())
  chmodSync(path, 0o750)
  await files.download('a', folder)
  assert.equal(statSync(path).mode & 0o777, 0o750)
})

test('while it grows the file is private, hidden and beside its destination', async t => {
  const { cloud, files, folder } = await scene(t)
  cloud.put('a', content)
  const seen: { names: string[]; mode: number }[] = []
  await files.download('a', join(folder, 'a'), {
    onProgress: () => {
      const names = readdirSync(folder)
      seen.push({ names, mode: statSync(join(folder, names[0] ?? '')).mode & 0o777 })
    },
  })
  assert.match(seen[0]?.names.join() ?? '', /^\.device-cloud-\d+-[0-9a-f]{16}\.part$/)
  assert.equal(seen[0]?.mode, 0o600)
})

test('content is forced to the disk before the file gets its name, and the name after it', async t => {
  const steps: string[] = []
  const noting = withFolders(held => ({
    createPrivate: async (...where) => {
      const file = await held.createPrivate(...where)
      const seal = (mode: number, bytes: number) => {
        steps.push('content')
        return file.seal(mode, bytes)
      }
      return { ...file, seal }
    },
    rename: (from, to) => {
      steps.push('rename')
      return held.rename(from, to)
    },
    sync: () => {
      steps.push('folder')
      return held.sync()
    },
  }))
  const { cloud, files, folder } = await scene(t, { files: noting })
  cloud.put('a', 'x')
  await files.download('a', folder)
  assert.deepEqual(steps, ['content', 'rename', 'folder'])
})

test('what goes to flash is counted', async t => {
  const { cloud, folder, log, clock } = await scene(t)
  const budget = new WriteBudget()
  const { requester, https, untilUp } = cloud
  const host = { thingKey: 'K', cloudHost: 'cloud.example.test' }
  const files = new FilesService({ requester, https, untilUp, clock, log: log.log, budget, ...host })
  cloud.put('a', content)
  await files.download('a', folder)
  assert.deepEqual(budget.counts(), { download: { bytes: content.length, syncs: 1 } })
})

test('a signal that outlives many transfers collects no listeners', async t => {
  const { cloud, files, folder } = await scene(t)
  cloud.put('a', 'x')
  const { signal } = new AbortController()
  for (let round = 0; round < 5; round++) await files.download('a', folder, { signal })
  assert.equal(getEventListeners(signal, 'abort').length, 0)
})

test('rests of downloads that a killed process left are removed, those of others are not', async t => {
  const { cloud, files, folder } = await scene(t, { clock: new HurriedClock() })
  cloud.put('a', 'x')
  const old = new Date('2024-03-05T09:00:00Z')
  const ancient = new Date('2024-03-01T09:00:00Z')
  const nobody = 4_194_305
  const put = (name: string, time: Date) => {
    writeFileSync(join(folder, name), 'rest')
    utimesSync(join(folder, name), time, time)
  }
  put(`.device-cloud-${nobody}-0123456789abcdef.part`, old)
  put(`.device-cloud-${nobody}-0000000000000000.part`, new Date('2024-03-05T10:10:00Z'))
  put(`.device-cloud-${process.ppid}-1111111111111111.part`, old)
  put(`.device-cloud-${process.ppid}-2222222222222222.part`, ancient)
  put(`.device-cloud-${process.pid}-3333333333333333.part`, old)
  put(`.device-cloud-${nobody}-0123456789abcdef.part.txt`, ancient)
  put('0123456789.part', ancient)
  symlinkSync('/nowhere', join(folder, `.device-cloud-${nobody}-4444444444444444.part`))
  await files.download('a', folder)
  assert.deepEqual(
    readdirSync(folder).sort(),
    [
      `.device-cloud-${process.ppid}-1111111111111111.part`,
      `.device-cloud-${nobody}-0000000000000000.part`,
      `.device-cloud-${nobody}-0123456789abcdef.part.txt`,
      `.device-cloud-${nobody}-4444444444444444.part`,
      '0123456789.part',
      'a',
    ].sort(),
  )
})

test('a disk that has too little room is noticed before a byte is fetched', async t => {
  const room: { -readonly [Key in keyof Space]: Space[Key] } = {
    freeBytes: 1001,
    totalBytes: 100_000,
    freeInodes: 100,
    totalInodes: 1000,
  }
  const { cloud, files, folder } = await scene(t, { files: withFolders(() => ({ freeSpace: async () => room })) })
  cloud.put('a', 'x', { fileSize: 1 })
  assert.equal((await files.download('a', folder)).bytes, 1)
  cloud.put('b', Buffer.alloc(1))
  room.freeBytes = 1000
  room.totalBytes = 101_000
  cloud.requests.length = 0
  await assert.rejects(
    files.download('b', folder),
    failsWith('DISK_FULL', /1000 bytes free, .* needs 1 .* leaves 1010/),
  )
  room.freeBytes = 1011
  await files.download('b', folder)
  room.freeInodes = 10
  await assert.rejects(files.download('b', folder), failsWith('DISK_FULL', /inodes/))
  delete room.freeInodes
  delete room.totalInodes
  await files.download('b', folder)
  assert.equal(cloud.requests.length, 2)
})

test('a download that begins while another makes its temporary file leaves that one alone, whatever the clock says', async t => {
  const clock = new FakeClock()
  const meeting = withFolders(held => ({
    createPrivate: async (...where) => {
      const file = await held.createPrivate(...where)
      await removeStaleParts({ clock, log: memoryLog().log }, held)
      return file
    },
  }))
  const { cloud, files, folder } = await scene(t, { files: meeting })
  cloud.put('a', 'x')
  await files.download('a', folder)
  assert.deepEqual(readdirSync(folder), ['a'])
})

test('a disk that fills up on the way ends the download at once, and gives back what it took', async t => {
  const refusing = withFolders(held => ({
    createPrivate: async (...where) => {
      const file = await held.createPrivate(...where)
      const write = async (bytes: Uint8Array, position: number) => {
        if (position > 0) throw new AgentError('DISK_FULL', 'full')
        await file.write(bytes, position)
      }
      return { ...file, write }
    },
  }))
  const { cloud, files, folder } = await scene(t, { files: refusing })
  cloud.put('a', content)
  await assert.rejects(files.download('a', folder), failsWith('DISK_FULL'))
  assert.equal(cloud.requests.length, 1)
  assert.deepEqual(readdirSync(folder), [])
})

/** A service that writes through `over`, and whose cloud has a file `a` of three times what is forced to the disk at once. */
async function largeScene(t: TestContext, over: (file: PrivateFile) => Partial<PrivateFile>) {
  const files = withFolders(held => ({
    createPrivate: async (...where) => {
      const file = await held.createPrivate(...where)
      return { ...file, ...over(file) }
    },
  }))
  const made = await scene(t, { files })
  made.cloud.put('a', Buffer.alloc(3 * fileLimits.syncEveryBytes))
  return made
}

test('a large file is forced to the disk while the rest comes in', async t => {
  const steps: string[] = []
  const { files, folder } = await largeScene(t, file => ({
    sync: () => {
      steps.push('on the way')
      return file.sync()
    },
    seal: (mode, bytes) => {
      steps.push('at the end')
      return file.seal(mode, bytes)
    },
  }))
  await files.download('a', folder)
  assert.equal(steps[0], 'on the way')
  assert.equal(steps.indexOf('at the end'), steps.length - 1)
})

test('a disk that fails on the way ends the download, although it is content at the end', async t => {
  const { cloud, files, folder } = await largeScene(t, () => ({
    sync: () => Promise.reject(new AgentError('FILE_ACCESS', 'the disk reports an input/output error')),
  }))
  await assert.rejects(files.download('a', folder), failsWith('FILE_ACCESS'))
  assert.equal(cloud.requests.length, 1)
  assert.deepEqual(readdirSync(folder), [])
})

test("a file of which the disk has not all takes nobody's place", async t => {
  const { files, folder } = await largeScene(t, file => ({
    // As a full disk under Node 20.11.0, which says "written".
    write: (bytes, position) =>
      position < fileLimits.syncEveryBytes ? file.write(bytes, position) : Promise.resolve(),
  }))
  await assert.rejects(files.download('a', folder), failsWith('DISK_FULL'))
  assert.deepEqual(readdirSync(folder), [])
})

test('a file over 4 GB is counted right', async t => {
  const size = 5 * 2 ** 30
  const block = Buffer.alloc(32 * 1024 * 1024)
  const known = size - 3
  let written = 0
  let lastPosition = 0
  const nowhere = withFolders(() => ({
    freeSpace: async () => ({ freeBytes: 2 ** 40, totalBytes: 2 ** 41 }),
    createPrivate: async () => ({
      name: 'nowhere',
      facts: () => Promise.reject(new Error('nobody asks')),
      write: async (bytes, position) => {
        written += bytes.length
        lastPosition = Math.max(lastPosition, position)
      },
      truncate: async () => {},
      sync: async () => {},
      seal: async () => {},
      close: async () => {},
    }),
    rename: async () => {},
    remove: async () => {},
  }))
  const { cloud, files, folder } = await scene(t, { files: nowhere })
  cloud.put('a', '', { fileSize: size, crc32: 5 })
  const ranges: (string | undefined)[] = []
  async function* zeros(from: number, to: number) {
    for (let at = from; at < to; at += block.length) yield block.subarray(0, Math.min(block.length, to - at))
  }
  cloud.https.request = async ({ headers = {} }) => {
    ranges.push(headers.range)
    const from = Number(/\d+/.exec(headers.range ?? '')?.[0] ?? 0)
    const body = Object.assign(zeros(from, from === 0 ? known : size), { destroy: () => {} })
    return from === 0
      ? { status: 200, headers: {}, body }
      : { status: 206, headers: { 'content-range': `bytes ${from}-${size - 1}/${size}` }, body }
  }
  // The check sum of five gigabytes of zeros is not 5: what counts here are the numbers on the way to that insight.
  await assert.rejects(files.download('a', join(folder, 'a')), failsWith('CHECKSUM_MISMATCH', /has 5/))
  assert.deepEqual(ranges.slice(0, 2), [undefined, `bytes=${known}-`])
  assert.ok(lastPosition >= 2 ** 32)
  assert.equal(written % size, 0)
})

test('memory holds two blocks of a download however slow the disk is', async t => {
  let most = 0
  let outside = 0
  const slow = withFolders(held => ({
    createPrivate: async (...where) => {
      const file = await held.createPrivate(...where)
      const write = async (bytes: Uint8Array, position: number) => {
        await settle()
        outside -= bytes.length
        await file.write(bytes, position)
      }
      return { ...file, write }
    },
  }))
  const { cloud, files, folder } = await scene(t, { files: slow })
  const total = 40 * fileLimits.writeBytes
  cloud.put('a', Buffer.alloc(total))
  cloud.https.request = async () => {
    async function* chunks() {
      for (let at = 0; at < total; at += 16_384) {
        outside += 16_384
        most = Math.max(most, outside)
        yield new Uint8Array(16_384)
      }
    }
    return { status: 200, headers: {}, body: Object.assign(chunks(), { destroy: () => {} }) }
  }
  await files.download('a', folder)
  assert.ok(most <= 3 * fileLimits.writeBytes, `${most} bytes were taken and not written`)
})

test('the caller ends a download: it ends at once, asks nothing more and leaves nothing', async t => {
  const { cloud, files, folder } = await scene(t)
  cloud.put('a', content)
  cloud.script.push((_request, response, body) => void response.writeHead(200).write(body.subarray(0, 400_000)))
  const end = new AbortController()
  const running = files.download('a', join(folder, 'a'), { signal: end.signal, onProgress: () => end.abort() })
  await assert.rejects(running, failsWith('ABORTED'))
  assert.equal(cloud.commands.length, 1)
  assert.deepEqual(readdirSync(folder), [])
  await assert.rejects(files.download('a', join(folder, 'a'), { signal: end.signal }), failsWith('ABORTED'))
  assert.equal(cloud.commands.length, 1)
})

test('the first reason wins: what fails after the caller has ended it is not the reason', async t => {
  const { cloud, files, folder } = await scene(t)
  const end = new AbortController()
  // A refusal that would be final, had nobody ended the wait before.
  cloud.beforeCommand = () => end.abort()
  await assert.rejects(files.download('a', folder, { signal: end.signal }), failsWith('ABORTED'))
  const later = new AbortController()
  const rename = async () => {
    later.abort()
    throw new AgentError('FILE_ACCESS', 'no')
  }
  const broken = await scene(t, { files: withFolders(() => ({ rename })) })
  broken.cloud.put('a', 'x')
  await assert.rejects(broken.files.download('a', folder, { signal: later.signal }), failsWith('ABORTED'))
})

test('the deadline counts waits between tries, tells how far it got, and nothing goes on after it', async t => {
  const clock = new FakeClock()
  const { cloud, files, folder } = await scene(t, { clock })
  writeFileSync(join(folder, 'a'), 'old')
  cloud.put('a', content)
  let stalled: () => void = () => {}
  const isStalled = new Promise<void>(resolve => {
    stalled = resolve
  })
  cloud.script.push((_request, response, body) => {
    response.writeHead(200).write(body.subarray(0, 400_000))
    stalled()
  })
  const running = files.download('a', join(folder, 'a'), { timeoutMs: 15_000 })
  const ended = assert.rejects(running, failsWith('TIMEOUT', /within 15000 ms \(\d+ of 700001 bytes\)/))
  await isStalled
  await clock.advance(15_000)
  await ended
  assert.equal(clock.timers, 0)
  assert.equal(readFileSync(join(folder, 'a'), 'utf8'), 'old')
  assert.deepEqual(readdirSync(folder), ['a'])
  await clock.advance(600_000)
  assert.equal(cloud.commands.length, 1)
})

test('closing ends what runs and what waits, and resolves when nothing is left', async t => {
  const { cloud, files, folder } = await scene(t, { clock: new FakeClock() })
  cloud.put('a', content)
  cloud.script.push(
    ...Array.from(
      { length: 10 },
      () => (_request: unknown, response: { writeHead(status: number): { write(body: Buffer): void } }) =>
        response.writeHead(200).write(content),
    ),
  )
  const ends = Array.from({ length: 7 }, (_, index) =>
    assert.rejects(files.download('a', join(folder, String(index))), failsWith('CLOSED')),
  )
  await settle()
  await eventually('four temporary files', () => readdirSync(folder).length === 4)
  await files.close()
  assert.deepEqual(readdirSync(folder), [])
  await Promise.all(ends)
  await assert.rejects(files.download('a', folder), failsWith('CLOSED'))
})

test('four transfers run at a time, the others in the order of asking', async t => {
  const { cloud, files, folder } = await scene(t)
  const held: (() => void)[] = []
  const names = Array.from({ length: 7 }, (_, index) => String(index))
  for (const name of names) cloud.put(name, 'x')
  cloud.script.push(
    ...names.map(
      (): Manners =>
        (...args) =>
          void held.push(() => cloud.serveFile(...args)),
    ),
  )
  const running = Promise.all(names.map(name => files.download(name, folder)))
  for (let served = 0; served < names.length; served++) {
    const expected = Math.min(served + fileLimits.concurrent, names.length)
    await eventually(`${expected} requests`, () => cloud.ranges.length === expected)
    await settle()
    assert.equal(cloud.commands.length, expected)
    held.shift()?.()
  }
  await running
  // The first four are under way side by side.
  const later = cloud.commands.slice(fileLimits.concurrent).map(({ params }) => params?.fileName)
  assert.deepEqual(later, names.slice(fileLimits.concurrent))
})

test('progress is told seldom, in order, at the end, and a listener that throws harms nothing', async t => {
  const clock = new FakeClock()
  const { cloud, files, folder, log } = await scene(t, { clock })
  cloud.put('a', content)
  const told: TransferProgress[] = []
  await files.download('a', folder, {
    timeoutMs: 1000,
    onProgress: progress => {
      told.push(progress)
      throw new Error('oops')
    },
  })
  assert.equal(told.length, 2)
  assert.deepEqual(told[1], { transferredBytes: content.length, totalBytes: content.length })
  assert.match(log.text(), /onProgress failed/)
  assert.equal(clock.timers, 0, 'the deadline is gone with the transfer')
})

test('a timeout that is none is refused', async t => {
  const { files, folder } = await scene(t)
  for (const timeoutMs of [0, -1, Number.NaN])
    await assert.rejects(files.download('a', folder, { timeoutMs }), failsWith('INVALID_ARGUMENT', /timeoutMs/))
})

/** A service that sends what it likes: `total` bytes in blocks, and tells no length. */
function endless(cloud: FileCloud, total: number) {
  const sent = { bytes: 0, requests: 0 }
  cloud.https.request = async () => {
    sent.requests++
    async function* blocks() {
      for (; sent.bytes < total; sent.bytes += 1_048_576) yield new Uint8Array(1_048_576)
    }
    return { status: 200, headers: {}, body: Object.assign(blocks(), { destroy: () => {} }) }
  }
  return sent
}

test('a file that is larger than file_transfer.max_bytes is refused before a byte is fetched, whoever tells its size', async t => {
  const { cloud, files, folder } = await scene(t, { maxDownloadBytes: 1000 })
  cloud.put('a', Buffer.alloc(1000))
  assert.equal((await files.download('a', folder)).bytes, 1000)
  cloud.requests.length = 0
  const tooLarge = failsWith(
    'LIMIT_EXCEEDED',
    /1001 bytes.*file_transfer\.max_bytes is 1000.*Raise file_transfer\.max_bytes/,
  )
  cloud.put('b', Buffer.alloc(1001))
  await assert.rejects(files.download('b', folder), tooLarge)
  assert.deepEqual(cloud.requests, [])
  cloud.put('b', Buffer.alloc(1001), { fileSize: null })
  await assert.rejects(files.download('b', folder), tooLarge)
  assert.equal(cloud.requests.length, 1)
  assert.deepEqual(readdirSync(folder), ['a'])
})

test('a file whose size nobody tells ends at file_transfer.max_bytes, and is not asked for again', async t => {
  const { cloud, files, folder } = await scene(t, { maxDownloadBytes: 3_000_000 })
  cloud.put('a', '', { fileSize: null, crc32: 1 })
  const sent = endless(cloud, 2 ** 22)
  await assert.rejects(files.download('a', folder), failsWith('LIMIT_EXCEEDED', /nobody tells.*max_bytes is 3000000/))
  assert.deepEqual([sent.requests, sent.bytes <= 3_000_000], [1, true])
  assert.deepEqual(readdirSync(folder), [])
})

test('without a setting there is a bound all the same', async t => {
  const nowhere = withFolders(held => ({
    createPrivate: async (...where) => {
      const file = await held.createPrivate(...where)
      return { ...file, write: async () => {} }
    },
    freeSpace: async () => ({ freeBytes: 2 ** 40, totalBytes: 2 ** 41 }),
  }))
  const { cloud, files, folder } = await scene(t, { files: nowhere })
  cloud.put('a', '', { fileSize: null, crc32: 1 })
  const sent = endless(cloud, 2 ** 40)
  await assert.rejects(
    files.download('a', folder),
    failsWith('LIMIT_EXCEEDED', /without file_transfer\.max_bytes such a file may have 1073741824/),
  )
  assert.ok(sent.bytes <= fileLimits.unknownSizeBytes + 2 ** 20)
})

test('what nothing could ever prove is not fetched at all', async t => {
  const { cloud, files, folder } = await scene(t)
  cloud.put('a', '', { fileSize: null, crc32: null })
  const sent = endless(cloud, 2 ** 40)
  await assert.rejects(files.download('a', folder), failsWith('PROTOCOL_VIOLATION', /neither size nor check sum/))
  assert.deepEqual(sent, { bytes: 0, requests: 1 })
})

test('the free space is looked at while a download grows: others fill the disk as well', async t => {
  const room = { freeBytes: 161_000_000, totalBytes: 200_000_000 }
  const filling = withFolders(() => ({
    freeSpace: async () => {
      room.freeBytes -= 40_000_000
      return { ...room }
    },
  }))
  const { cloud, files, folder } = await scene(t, { files: filling })
  cloud.put('a', '', { fileSize: 2 ** 26, crc32: 1 })
  const sent = endless(cloud, 2 ** 26)
  await assert.rejects(files.download('a', folder), failsWith('DISK_FULL', /1000000 bytes free, and 2000000 must stay/))
  assert.equal(sent.requests, 1)
  assert.ok(sent.bytes < 2 ** 26)
  assert.deepEqual(readdirSync(folder), [])
})

test('a link to a device, a pipe or an open file of a process is no destination', async t => {
  const { cloud, files, folder } = await scene(t)
  cloud.put('a', 'new')
  execFileSync('mkfifo', [join(folder, 'fifo')])
  symlinkSync('fifo', join(folder, 'to-fifo'))
  symlinkSync('/dev/null', join(folder, 'to-device'))
  symlinkSync('/proc/self/fd/1', join(folder, 'to-output'))
  symlinkSync('to-output', join(folder, 'to-it-too'))
  const opened = openSync(join(folder, 'regular'), 'w')
  t.after(() => closeSync(opened))
  symlinkSync(`/proc/self/fd/${opened}`, join(folder, 'to-regular'))
  for (const name of ['to-fifo', 'to-device', 'to-output', 'to-it-too', 'to-regular']) {
    const refused = failsWith('INVALID_ARGUMENT', /link to a device.*name a file of its own/)
    await assert.rejects(files.download('a', join(folder, name)), refused, name)
    assert.ok(lstatSync(join(folder, name)).isSymbolicLink(), name)
  }
  for (const path of ['/dev/stdout', '/dev/fd/1', '/dev/null', '/proc/self/fd/1'])
    await assert.rejects(files.download('a', path), failsWith('INVALID_ARGUMENT'), path)
  assert.equal(cloud.commands.length, 0)
})

test('the folder of a download is the one that was looked at, whatever its path leads to when the file is there', async t => {
  const { cloud, files, folder } = await scene(t)
  cloud.put('a', content)
  mkdirSync(join(folder, 'in'))
  mkdirSync(join(folder, 'trap'))
  cloud.beforeCommand = () => {
    if (lstatSync(join(folder, 'in')).isSymbolicLink()) return
    renameSync(join(folder, 'in'), join(folder, 'moved'))
    symlinkSync('trap', join(folder, 'in'))
  }
  cloud.script.push(answer(503), cutAfter(100_000))
  await files.download('a', join(folder, 'in', 'a'))
  assert.deepEqual(readdirSync(join(folder, 'trap')), [])
  assert.deepEqual(readFileSync(join(folder, 'moved', 'a')), content)
  assert.deepEqual(openDescriptors(folder), [], 'nothing stays open')
})
