// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { AgentError } from '../../../src/base/errors.ts'
import { fileLimits } from '../../../src/services/files/limits.ts'
import type { TransferProgress } from '../../../src/services/files/types.ts'
import { content, endless, failsWith, scene } from '../../helpers/download-scene.ts'
import { eventually } from '../../helpers/eventually.ts'
import { FakeClock, settle } from '../../helpers/fake-clock.ts'
import type { Manners } from '../../helpers/file-cloud.ts'
import { withFolders } from '../../helpers/odd-folders.ts'

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
  // A refusal that would be final, had the wait not been ended before.
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

test('a file that is larger than file_transfer.max_bytes is refused before a byte is fetched, whoever gives its size', async t => {
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

test('a file of unknown size ends at file_transfer.max_bytes, and is not asked for again', async t => {
  const { cloud, files, folder } = await scene(t, { maxDownloadBytes: 3_000_000 })
  cloud.put('a', '', { fileSize: null, crc32: 1 })
  const sent = endless(cloud, 2 ** 22)
  await assert.rejects(
    files.download('a', folder),
    failsWith('LIMIT_EXCEEDED', /its size is unknown.*max_bytes is 3000000/),
  )
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
    failsWith('LIMIT_EXCEEDED', /without file_transfer\.max_bytes the limit for such a file is 1073741824/),
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
