// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { readdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { AgentError } from '../../../src/base/errors.ts'
import type { Space } from '../../../src/platform/files/space.ts'
import type { PrivateFile } from '../../../src/platform/held/private-file.ts'
import { WriteBudget } from '../../../src/platform/store/write-budget.ts'
import { FilesService } from '../../../src/services/files/files-service.ts'
import { fileLimits } from '../../../src/services/files/limits.ts'
import { removeStaleParts } from '../../../src/services/files/stale-parts.ts'
import { content, endless, failsWith, scene } from '../../helpers/download-scene.ts'
import { FakeClock, settle } from '../../helpers/fake-clock.ts'
import { HurriedClock } from '../../helpers/hurried-clock.ts'
import { memoryLog } from '../../helpers/memory-log.ts'
import { withFolders } from '../../helpers/odd-folders.ts'

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
