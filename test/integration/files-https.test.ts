// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Clock } from '../../src/base/clock.ts'
import { systemClock } from '../../src/base/clock.ts'
import { AgentError, type ErrorCode } from '../../src/base/errors.ts'
import { HttpsClient } from '../../src/connection/http/https.ts'
import { SocketOpener } from '../../src/connection/socket/socket-opener.ts'
import { FilesService } from '../../src/services/files/files-service.ts'
import { fileLimits, retryBackoff } from '../../src/services/files/limits.ts'
import { eventually } from '../helpers/eventually.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { answer, cutAfter, FileCloud } from '../helpers/file-cloud.ts'
import { memoryLog } from '../helpers/memory-log.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { makeAuthority, makeCertificate } from '../helpers/test-certificates.ts'
import { listen } from '../helpers/test-servers.ts'

/** The file service with its real HTTPS client, over TLS with a certificate that is checked. */
async function scene(t: TestContext, options: { clock?: Clock; trusted?: boolean } = {}) {
  const authority = makeAuthority()
  const certificate = makeCertificate({ name: 'files', issuer: authority, hosts: ['127.0.0.1'] })
  const cloud = await FileCloud.start(t, certificate)
  const folder = tempDir(t)
  const caBundleFile = join(folder, 'ca.pem')
  writeFileSync(caBundleFile, options.trusted === false ? makeAuthority().certificate : authority.certificate)
  const clock = options.clock ?? systemClock
  const { log } = memoryLog(clock)
  const opener = new SocketOpener({ trust: { validateCloudCert: true, caBundleFile }, clock, log })
  const work = join(folder, 'work')
  mkdirSync(work)
  const files = new FilesService({
    requester: cloud.requester,
    untilUp: cloud.untilUp,
    https: new HttpsClient({ opener, clock, log }),
    clock: options.clock ?? hasty,
    log,
    thingKey: 'K',
    cloudHost: '127.0.0.1',
    fileXferPort: cloud.port,
  })
  t.after(() => files.close())
  return { cloud, files, work, certificate, caBundleFile }
}

/** The real clock, on which waits between tries are short. */
const hasty: Clock = {
  ...systemClock,
  timer: (delayMs, callback, options) =>
    systemClock.timer(delayMs >= retryBackoff.firstMs / 2 ? 1 : delayMs, callback, options),
}

const failsWith = (code: ErrorCode, text?: RegExp) => (error: unknown) => {
  assert.ok(error instanceof AgentError, String(error))
  assert.equal(error.code, code, error.message)
  if (text !== undefined) assert.match(error.message, text)
  return true
}

test('a file goes up and comes back over TLS, empty ones too', async t => {
  const { files, work } = await scene(t)
  for (const bytes of [0, 1, 20_000_003]) {
    const content = randomBytes(bytes)
    writeFileSync(join(work, 'up'), content)
    assert.equal((await files.upload(join(work, 'up'))).bytes, bytes)
    const result = await files.download('up', join(work, 'down'))
    assert.deepEqual([result.bytes, result.tries, result.verified], [bytes, 1, 'size+crc32'])
    assert.ok(readFileSync(join(work, 'down')).equals(content))
  }
})

test('a download that is cut again and again arrives, each byte fetched about once', async t => {
  const { cloud, files, work } = await scene(t)
  const content = randomBytes(1_000_000)
  cloud.put('a', content)
  cloud.script.push(cutAfter(0), cutAfter(1), cutAfter(300_000), cutAfter(299_999))
  const result = await files.download('a', join(work, 'a'))
  assert.ok(readFileSync(join(work, 'a')).equals(content))
  assert.deepEqual([result.tries, result.resumedFromBytes], [5, 600_000])
  assert.deepEqual(cloud.ranges, [undefined, undefined, 'bytes=1-', 'bytes=300001-', 'bytes=600000-'])
})

test('a cut after the very last byte costs no second try', async t => {
  const { cloud, files, work } = await scene(t)
  cloud.put('a', randomBytes(100_000))
  cloud.script.push(cutAfter(100_000))
  assert.equal((await files.download('a', work)).tries, 1)
})

test('a service that refuses an upload before it has read it is understood', async t => {
  const { cloud, files, work } = await scene(t)
  writeFileSync(join(work, 'a'), Buffer.alloc(30_000_000))
  cloud.script.push(answer(413))
  await assert.rejects(files.upload(join(work, 'a')), failsWith('LIMIT_EXCEEDED', /HTTP 413/))
})

test('an upload that is cut is sent again', async t => {
  const { cloud, files, work } = await scene(t)
  const content = randomBytes(3_000_000)
  writeFileSync(join(work, 'a'), content)
  cloud.script.push(request => void request.once('data', () => request.socket.destroy()), answer(503))
  assert.equal((await files.upload(join(work, 'a'))).files[0]?.tries, 3)
  assert.ok(cloud.files.get('a')?.content.equals(content))
})

test('a file that changes while it is sent breaks the upload off, and the service does not keep half of it', async t => {
  const { cloud, files, work } = await scene(t)
  const path = join(work, 'a')
  writeFileSync(path, randomBytes(3_000_000))
  let rounds = 0
  cloud.beforeCommand = command => {
    if (command.command === 'file.put') writeFileSync(path, randomBytes(1_000_000 - ++rounds))
  }
  await assert.rejects(files.upload(path), failsWith('FILE_CHANGED'))
  assert.equal(cloud.files.size, 0)
})

test('a certificate that is not trusted ends both directions at once, and no byte moves', async t => {
  const { cloud, files, work } = await scene(t, { trusted: false })
  cloud.put('a', 'x')
  writeFileSync(join(work, 'b'), 'x')
  await assert.rejects(files.download('a', work), failsWith('CERTIFICATE_REFUSED'))
  await assert.rejects(files.upload(join(work, 'b')), failsWith('CERTIFICATE_REFUSED'))
  assert.deepEqual(cloud.ranges, [])
})

test('without the CA file nothing moves in either direction: trust is never lost with a file [H19]', async t => {
  const { cloud, files, work, caBundleFile } = await scene(t)
  cloud.put('a', 'x')
  writeFileSync(join(work, 'b'), 'x')
  rmSync(caBundleFile)
  await assert.rejects(files.download('a', work), failsWith('CONFIG_INVALID', /ca_bundle_file.*ca\.pem/))
  await assert.rejects(files.upload(join(work, 'b')), failsWith('CONFIG_INVALID', /ca_bundle_file.*ca\.pem/))
  assert.deepEqual(cloud.ranges, [])
  assert.deepEqual(readdirSync(work), ['b'])
})

test('a file service that is not there is tried again in both directions, and given up with its reason [H21]', async t => {
  const { cloud, files, work } = await scene(t)
  cloud.put('a', 'x')
  writeFileSync(join(work, 'b'), 'x')
  await cloud.stop()
  const tries = `after ${fileLimits.triesInARow} tries`
  await assert.rejects(files.download('a', work), failsWith('TCP_FAILED', new RegExp(tries)))
  await assert.rejects(files.upload(join(work, 'b')), failsWith('TCP_FAILED', new RegExp(tries)))
  // A file id is good for one try: each has asked for its own.
  assert.deepEqual([cloud.count('file.get'), cloud.count('file.put')], [fileLimits.triesInARow, fileLimits.triesInARow])
  assert.deepEqual(readdirSync(work), ['b'])
})

test('a server that falls silent in the middle is left after the idle time, and the download goes on', async t => {
  const clock = new FakeClock()
  const { cloud, files, work } = await scene(t, { clock })
  const content = randomBytes(500_000)
  cloud.put('a', content)
  // One TLS record: when its progress is told, everything that will come has come.
  cloud.script.push((_request, response, body) => void response.writeHead(200).write(body.subarray(0, 1000)))
  let arrived: () => void = () => {}
  const hasArrived = new Promise<void>(resolve => {
    arrived = resolve
  })
  const running = files.download('a', work, { onProgress: () => arrived() })
  await hasArrived
  await clock.advance(fileLimits.downloadIdleMs)
  await eventually('the pause before the second try', () => (clock.nextInMs ?? Number.POSITIVE_INFINITY) < 1000)
  await clock.advance(1000)
  const result = await running
  assert.equal(result.tries, 2)
  assert.equal(result.resumedFromBytes, 1000)
  assert.ok(readFileSync(result.path).equals(content))
})

test('a redirect is not followed: the id of a file goes to nobody else', async t => {
  const { cloud, files, work, certificate } = await scene(t)
  const other = createServer({ cert: certificate.certificate, key: certificate.key })
  const elsewhere = await listen(t, other)
  cloud.put('a', 'x')
  cloud.script.push(answer(302, { location: `https://127.0.0.1:${elsewhere.port}/` }))
  await assert.rejects(files.download('a', work), failsWith('REFUSED_BY_CLOUD', /302/))
  assert.equal(elsewhere.peers.length, 0)
})

test('ending a transfer in the middle closes its connection and leaves nothing', async t => {
  const { cloud, files, work } = await scene(t)
  cloud.put('a', randomBytes(500_000))
  let closed: () => void = () => {}
  const isClosed = new Promise<void>(resolve => {
    closed = resolve
  })
  cloud.script.push((request, response, body) => {
    request.socket.once('close', closed)
    response.writeHead(200).write(body.subarray(0, 200_000))
  })
  const end = new AbortController()
  const running = files.download('a', work, { signal: end.signal, onProgress: () => end.abort() })
  await assert.rejects(running, failsWith('ABORTED'))
  await isClosed
  assert.deepEqual(readdirSync(work), [])
})

/** A file system of its own in memory, so small that it fills up; needs root. */
function smallDisk(t: TestContext, options: string): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'device-cloud-test-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder], { stdio: 'ignore' })
  } catch {
    rmdirSync(folder)
    t.skip('mounting a file system needs root')
    return undefined
  }
  t.after(() => {
    execFileSync('umount', [folder])
    rmdirSync(folder)
  })
  return folder
}

test('a full disk is noticed before a byte is fetched, and on the way when the size is not told; the rest is given back', async t => {
  const disk = smallDisk(t, 'size=1m')
  if (disk === undefined) return
  const { cloud, files } = await scene(t)
  const content = randomBytes(2_000_000)
  cloud.put('a', content)
  await assert.rejects(files.download('a', disk), failsWith('DISK_FULL', /needs 2000000/))
  assert.deepEqual(cloud.ranges, [])
  const before = statfsSync(disk).bfree
  cloud.put('b', content, { fileSize: null })
  cloud.script.push((_request, response, body) => {
    response.write(body)
    response.end()
  })
  writeFileSync(join(disk, 'b'), 'old')
  await assert.rejects(files.download('b', disk), failsWith('DISK_FULL', /ENOSPC/))
  assert.deepEqual(cloud.ranges, [undefined])
  assert.deepEqual(readdirSync(disk), ['b'])
  assert.equal(readFileSync(join(disk, 'b'), 'utf8'), 'old')
  assert.ok(statfsSync(disk).bfree >= before - 1)
})

test('a disk without inodes is noticed before a byte is fetched', async t => {
  const disk = smallDisk(t, 'size=1m,nr_inodes=3')
  if (disk === undefined) return
  const { cloud, files } = await scene(t)
  cloud.put('a', 'x')
  await files.download('a', disk)
  writeFileSync(join(disk, 'b'), 'x')
  await assert.rejects(files.download('a', disk), failsWith('DISK_FULL', /inodes/))
  assert.equal(cloud.ranges.length, 1)
})

test('a file system that is mounted read-only is told as that', async t => {
  const disk = smallDisk(t, 'size=1m,ro')
  if (disk === undefined) return
  const { cloud, files } = await scene(t)
  cloud.put('a', 'x')
  await assert.rejects(files.download('a', disk), failsWith('FILE_ACCESS', /read-only/))
})
