// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Clock, systemClock } from '../../src/base/clock.ts'
import { crc32 } from '../../src/base/crc32.ts'
import { AgentError, type ErrorCode } from '../../src/base/errors.ts'
import { HttpsClient } from '../../src/connection/http/https.ts'
import { Link } from '../../src/connection/link.ts'
import { SocketOpener } from '../../src/connection/socket/socket-opener.ts'
import { Requester } from '../../src/protocol/requester.ts'
import { FilesService } from '../../src/services/files/files-service.ts'
import { retryBackoff } from '../../src/services/files/limits.ts'
import type { FileRequester } from '../../src/services/files/types.ts'
import { type LocalCloud, startCloud } from '../helpers/local-cloud.ts'
import { memoryLog } from '../helpers/memory-log.ts'
import { tempDir } from '../helpers/temp-dir.ts'

const thingKey = 'dev-1-app'

/** The real clock, on which waits between tries are short. */
const hasty: Clock = {
  ...systemClock,
  timer: (delayMs, callback, options) =>
    systemClock.timer(delayMs >= retryBackoff.firstMs / 2 ? 1 : delayMs, callback, options),
}

/** A device that is connected to the local cloud over MQTT and HTTPS, both with TLS. */
async function connect(t: TestContext, cloud: LocalCloud) {
  const { log, text } = memoryLog()
  const trust = { validateCloudCert: true, caBundleFile: cloud.ca }
  const opener = new SocketOpener({ trust, clock: systemClock, log })
  const endpoint = { host: cloud.host, port: cloud.mqtts, transport: 'mqtts' } as const
  const link = new Link({ endpoint, thingKey, token: cloud.token, opener, clock: systemClock, log })
  const requester = new Requester({ link, clock: systemClock, log, qos: 1 })
  const fileIds: unknown[] = []
  const listening: FileRequester = {
    requestOne: async (...asked) => {
      const answer = await requester.requestOne(...asked)
      fileIds.push(answer.fileId)
      return answer
    },
  }
  const https = new HttpsClient({ opener, clock: systemClock, log })
  // The test that breaks the link here waits for it.
  const untilUp = async () => {}
  const host = { cloudHost: cloud.host, fileXferPort: cloud.https, thingKey }
  const files = new FilesService({ requester: listening, https, untilUp, clock: hasty, log, ...host })
  t.after(async () => {
    await files.close()
    requester.close(new AgentError('CLOSED', 'the test is over'))
    await link.close()
  })
  const up = new Promise<void>(resolve => link.on('up', resolve))
  link.start()
  await up
  return { files, link, log: text, fileIds }
}

const failsWith = (code: ErrorCode, text?: RegExp) => (error: unknown) => {
  assert.ok(error instanceof AgentError, String(error))
  assert.equal(error.code, code, error.message)
  if (text !== undefined) assert.match(error.message, text)
  return true
}

test('files go up and down in a local cloud, and come through everything that it can do to them', async t => {
  const cloud = await startCloud(t)
  const { files, link, log, fileIds } = await connect(t, cloud)
  const folder = tempDir(t)
  const work = join(folder, 'work')
  mkdirSync(work)
  const content = randomBytes(3_000_000)
  const source = join(folder, 'a.bin')
  writeFileSync(source, content)
  const fetch = async (name = 'a.bin') => {
    const result = await files.download(name, join(work, 'copy'))
    assert.ok(readFileSync(result.path).equals(content))
    assert.deepEqual(readdirSync(work), ['copy'])
    return result
  }
  const withFault = (title: string, name: string, params: object, work: () => Promise<void>) =>
    t.test(title, async () => {
      await cloud.fault(name, params)
      try {
        await work()
      } finally {
        await cloud.clearFaults()
      }
    })

  await t.test('a file is stored with its check sum, and the operator sees it', async () => {
    assert.equal((await files.upload(source)).files[0]?.crc32, crc32(content))
    const { result } = await cloud.ask('file.list', { thingKey })
    assert.deepEqual(
      result.map((one: { fileName: string; length: number }) => [one.fileName, one.length]),
      [['a.bin', content.length]],
    )
  })

  await t.test('it comes back, and again under the same name', async () => {
    assert.equal((await fetch()).verified, 'size+crc32')
    assert.equal((await fetch()).tries, 1)
  })

  await t.test('the two stores are apart', async () => {
    await files.upload(source, { name: 'shared', global: true })
    await assert.rejects(files.download('shared', work), failsWith('FILE_NOT_FOUND'))
    await files.download('shared', join(work, 'copy'), { global: true })
  })

  await t.test('empty files go both ways', async () => {
    writeFileSync(join(folder, 'empty'), '')
    await files.upload(join(folder, 'empty'))
    assert.equal((await files.download('empty', join(work, 'copy'))).bytes, 0)
  })

  await t.test('a folder goes up under relative names', async () => {
    mkdirSync(join(folder, 'logs', 'old'), { recursive: true })
    writeFileSync(join(folder, 'logs', 'new.txt'), 'n')
    writeFileSync(join(folder, 'logs', 'old', 'o.txt'), 'o')
    await files.upload(join(folder, 'logs'))
    assert.equal((await files.download('old/o.txt', join(work, 'copy'))).bytes, 1)
  })

  for (const atByte of [0, 1, content.length - 1]) {
    await withFault(`a cut after byte ${atByte} is healed`, 'cutDownload', { atByte, times: 1 }, async () => {
      assert.equal((await fetch()).tries, 2)
    })
  }

  await withFault('cuts without end are given up', 'cutDownload', { atByte: 10 }, async () => {
    await assert.rejects(files.download('a.bin', join(work, 'other')), failsWith('LINK_LOST', /failed after 8 tries/))
    assert.deepEqual(readdirSync(work), ['copy'])
  })

  await withFault('a cut where ids are good for once only', 'singleUseFileId', {}, async () => {
    await cloud.fault('cutDownload', { atByte: 1_000_000, times: 2 })
    assert.equal((await fetch()).tries, 3)
  })

  await withFault('a server that ignores ranges', 'ignoreRange', {}, async () => {
    await cloud.fault('cutDownload', { atByte: 1_000_000, times: 1 })
    const { tries, resumedFromBytes } = await fetch()
    assert.deepEqual([tries, resumedFromBytes], [2, 0])
  })

  await withFault('one damaged byte', 'corruptDownload', { times: 1 }, async () => {
    assert.equal((await fetch()).tries, 2)
  })

  await withFault('a check sum that never fits', 'wrongCrc', {}, async () => {
    await assert.rejects(files.download('a.bin', join(work, 'copy')), failsWith('CHECKSUM_MISMATCH'))
    assert.deepEqual(readdirSync(work), ['copy'])
    assert.ok(readFileSync(join(work, 'copy')).equals(content), 'the old file stays')
  })

  await withFault('a size that never fits', 'wrongSize', {}, async () => {
    await assert.rejects(files.download('a.bin', join(work, 'copy')))
    assert.deepEqual(readdirSync(work), ['copy'])
  })

  await withFault('no check sum at all', 'noCrc', {}, async () => {
    assert.equal((await fetch()).verified, 'size')
  })

  await withFault('a Content-Length instead of chunks', 'lengthDownload', {}, async () => {
    assert.equal((await fetch()).tries, 1)
  })

  for (const status of [404, 429, 500, 503]) {
    await withFault(`HTTP ${status} in both directions`, 'fileStatus', { status, times: 1 }, async () => {
      assert.equal((await fetch()).tries, 2)
      await cloud.fault('fileStatus', { status, times: 1, on: 'upload' })
      assert.equal((await files.upload(source)).files[0]?.tries, 2)
    })
  }

  await withFault('HTTP 403 is final', 'fileStatus', { status: 403 }, async () => {
    await assert.rejects(files.download('a.bin', work), failsWith('REFUSED_BY_CLOUD', /403/))
    await assert.rejects(files.upload(source), failsWith('REFUSED_BY_CLOUD', /403/))
  })

  await withFault('an upload that is cut', 'cutUpload', { atByte: 1_000_000, times: 1 }, async () => {
    assert.equal((await files.upload(source)).files[0]?.tries, 2)
    await fetch()
  })

  await withFault(
    'a lost connection of the device during a download',
    'slowDownload',
    { bytesPerSecond: 6_000_000 },
    async () => {
      const upAgain = new Promise<void>(resolve => link.on('up', resolve))
      let begun: () => void = () => {}
      const hasBegun = new Promise<void>(resolve => {
        begun = resolve
      })
      const running = files.download('a.bin', join(work, 'copy'), { onProgress: () => begun() })
      await hasBegun
      await cloud.fault('closeConnections', { transport: 'mqtts' })
      assert.equal((await running).tries, 1)
      await upAgain
    },
  )

  await withFault('a download that is ended by the caller', 'slowDownload', { bytesPerSecond: 100_000 }, async () => {
    const end = new AbortController()
    const running = files.download('a.bin', work, { signal: end.signal, onProgress: () => end.abort() })
    await assert.rejects(running, failsWith('ABORTED'))
    assert.deepEqual(readdirSync(work), ['copy'])
  })

  await withFault('a download that does not make it in time', 'slowDownload', { bytesPerSecond: 1000 }, async () => {
    await assert.rejects(files.download('a.bin', work, { timeoutMs: 300 }), failsWith('TIMEOUT', /within 300 ms/))
    assert.deepEqual(readdirSync(work), ['copy'])
  })

  await t.test('no id of a file was ever logged', async () => {
    assert.ok(fileIds.length > 30)
    for (const id of fileIds) assert.ok(!log().includes(String(id)))
  })
})
