// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  appendFileSync,
  mkdirSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Clock } from '../../../src/base/clock.ts'
import { crc32 } from '../../../src/base/crc32.ts'
import { AgentError, type ErrorCode } from '../../../src/base/errors.ts'
import { type TransferFiles, transferFiles } from '../../../src/platform/held/transfer-files.ts'
import { FilesService } from '../../../src/services/files/files-service.ts'
import { fileLimits } from '../../../src/services/files/limits.ts'
import type { TransferProgress, UntilUp } from '../../../src/services/files/types.ts'
import { openDescriptors } from '../../helpers/attacker.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { answer, answerBehindBody, FileCloud } from '../../helpers/file-cloud.ts'
import { HurriedClock } from '../../helpers/hurried-clock.ts'
import { memoryLog } from '../../helpers/memory-log.ts'
import { withFolders } from '../../helpers/odd-folders.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

async function scene(t: TestContext, options: { clock?: Clock; files?: TransferFiles; untilUp?: UntilUp } = {}) {
  const cloud = await FileCloud.start(t)
  const clock = options.clock ?? new HurriedClock()
  const log = memoryLog(clock)
  const { requester, https } = cloud
  const files = new FilesService({
    requester,
    https,
    untilUp: options.untilUp ?? cloud.untilUp,
    clock,
    log: log.log,
    thingKey: 'K',
    cloudHost: 'cloud.example.test',
    ...(options.files === undefined ? {} : { files: options.files }),
  })
  t.after(() => files.close())
  return { cloud, files, folder: tempDir(t), log }
}

const failsWith = (code: ErrorCode, text?: RegExp) => (error: unknown) => {
  assert.ok(error instanceof AgentError, String(error))
  assert.equal(error.code, code, error.message)
  if (text !== undefined) assert.match(error.message, text)
  return true
}

const content = randomBytes(300_001)
const plainFacts = {
  mode: 0o644,
  modifiedNs: 1n,
  modifiedMs: 0,
  device: 1n,
  inode: 1n,
  ownerId: 0,
  groupId: 0,
  links: 1,
} as const

test('a file is stored under its own name, announced with its check sum as the Python agent does [TR50 appendix A]', async t => {
  const { cloud, files, folder } = await scene(t)
  const path = join(folder, 'u.txt')
  writeFileSync(path, 'hello')
  assert.deepEqual(await files.upload(path), {
    path,
    bytes: 5,
    files: [{ name: 'u.txt', path, bytes: 5, crc32: 907_060_870, tries: 1 }],
  })
  const params = { thingKey: 'K', fileName: 'u.txt', public: false, crc32: 907_060_870, global: false }
  assert.equal(JSON.stringify(cloud.commands), JSON.stringify([{ command: 'file.put', params }]))
  assert.equal(cloud.files.get('u.txt')?.content.toString(), 'hello')
  assert.equal(cloud.requests[0]?.length, '5')
})

test('another name and the global store are taken over', async t => {
  const { cloud, files, folder } = await scene(t)
  const path = join(folder, 'a')
  writeFileSync(path, content)
  await files.upload(path, { name: 'logs/b', global: true })
  assert.deepEqual(cloud.files.get('logs/b')?.content, content)
  assert.equal(cloud.commands[0]?.params?.global, true)
})

test('an empty file is stored', async t => {
  const { cloud, files, folder } = await scene(t)
  writeFileSync(join(folder, 'empty'), '')
  const result = await files.upload(join(folder, 'empty'))
  assert.deepEqual([result.bytes, result.files[0]?.crc32], [0, 0])
  assert.equal(cloud.files.get('empty')?.content.length, 0)
  assert.equal(cloud.requests[0]?.length, '0')
})

test('a try that fails is made again with a new id and from the first byte', async t => {
  const { cloud, files, folder } = await scene(t)
  writeFileSync(join(folder, 'a'), content)
  cloud.script.push(answer(503), answer(404), request => void request.once('data', () => request.socket.destroy()))
  const result = await files.upload(join(folder, 'a'))
  assert.equal(result.files[0]?.tries, 4)
  assert.equal(new Set(cloud.requests.map(({ path }) => path)).size, 4)
  assert.deepEqual(cloud.files.get('a')?.content, content)
})

test('only HTTP 200 says stored', async t => {
  const { cloud, files, folder } = await scene(t)
  writeFileSync(join(folder, 'a'), content)
  for (const [status, code] of [
    [201, 'REFUSED_BY_CLOUD'],
    [204, 'REFUSED_BY_CLOUD'],
    [302, 'REFUSED_BY_CLOUD'],
    [403, 'REFUSED_BY_CLOUD'],
    [413, 'LIMIT_EXCEEDED'],
  ] as const) {
    cloud.requests.length = 0
    cloud.script.push(answerBehindBody(status))
    await assert.rejects(files.upload(join(folder, 'a')), failsWith(code, new RegExp(`HTTP ${status}`)))
    assert.equal(cloud.requests.length, 1)
  }
})

test('a service that says stored before it has the file is not believed', async t => {
  let go: () => void = () => {}
  const isAnswered = new Promise<void>(resolve => {
    go = resolve
  })
  const { cloud, files, folder } = await scene(t)
  writeFileSync(join(folder, 'a'), content)
  const { request } = cloud.https
  cloud.https.request = async asked => {
    cloud.https.request = request
    go()
    // A server may answer while the client still has everything in its hands.
    return { status: 200, headers: {}, body: Object.assign(asked.body?.stream ?? empty(), { destroy: () => {} }) }
  }
  const result = await files.upload(join(folder, 'a'))
  await isAnswered
  assert.equal(result.files[0]?.tries, 2)
  assert.deepEqual(cloud.files.get('a')?.content, content)
})

async function* empty(): AsyncGenerator<Uint8Array> {}

test('content that is damaged on the way is sent again, and given up after three times', async t => {
  const { cloud, files, folder } = await scene(t)
  writeFileSync(join(folder, 'a'), content)
  cloud.script.push(answerBehindBody(400))
  assert.equal((await files.upload(join(folder, 'a'))).files[0]?.tries, 2)
  cloud.requests.length = 0
  cloud.script.push(...Array.from({ length: 10 }, () => answerBehindBody(400)))
  await assert.rejects(
    files.upload(join(folder, 'a')),
    failsWith('HTTP_STATUS', /failed after 3 tries.*400.*check sum/),
  )
  assert.equal(cloud.requests.length, 3)
})

/** Runs `change` once or always, after the check sum was made and before the body goes. */
function changing(cloud: FileCloud, times: number, change: (round: number) => void): void {
  let round = 0
  cloud.beforeCommand = command => {
    if (command.command === 'file.put' && round < times) change(round++)
  }
}

for (const [how, change] of Object.entries({
  'is written': (path: string, round: number) => {
    writeFileSync(path, randomBytes(content.length))
    utimesSync(path, 1000 + round, 1000 + round)
  },
  'becomes shorter': (path: string, round: number) => truncateSync(path, 1000 - round),
  'is written without a trace in its times': (path: string) => {
    const { atime, mtime } = statSync(path)
    writeFileSync(path, randomBytes(content.length))
    utimesSync(path, atime, mtime)
  },
})) {
  test(`a file that ${how} while it is sent is sent again as it is then, and given up when that does not end`, async t => {
    const { cloud, files, folder } = await scene(t)
    const path = join(folder, 'a')
    const start = () => {
      writeFileSync(path, content)
      utimesSync(path, 500, 500)
    }
    start()
    changing(cloud, 1, round => change(path, round))
    const result = await files.upload(path)
    assert.equal(result.files[0]?.tries, 2)
    assert.equal(cloud.files.get('a')?.content.length, statSync(path).size)
    start()
    cloud.files.delete('a')
    changing(cloud, 100, round => change(path, round))
    await assert.rejects(
      files.upload(path),
      failsWith('FILE_CHANGED', /failed after 3 tries.*changed while it was being sent/),
    )
    assert.equal(cloud.files.has('a'), false, 'nothing half was stored')
  })
}

test('a log file that grows meanwhile is sent as it was when it was opened', async t => {
  const { cloud, files, folder } = await scene(t)
  const path = join(folder, 'log')
  writeFileSync(path, content)
  changing(cloud, 100, () => appendFileSync(path, 'one more line\n'))
  const result = await files.upload(path)
  assert.equal(result.files[0]?.tries, 1)
  assert.deepEqual(cloud.files.get('log')?.content, content)
})

test('an untouched file is not read for its check sum again at every try', async t => {
  let read = 0
  const counting: TransferFiles = {
    ...transferFiles,
    openForReading: async (...args) => {
      const file = await transferFiles.openForReading(...args)
      const counted = async (into: Uint8Array, position: number) => {
        read += into.length
        return file.read(into, position)
      }
      return { ...file, read: counted }
    },
  }
  const { cloud, files, folder } = await scene(t, { files: counting })
  writeFileSync(join(folder, 'a'), content)
  let lost = 5
  cloud.beforeCommand = () => {
    if (lost-- > 0) throw new AgentError('NOT_CONNECTED', 'offline')
  }
  assert.equal((await files.upload(join(folder, 'a'))).files[0]?.tries, 6)
  assert.equal(read, 2 * content.length)
})

test('a try waits for the link, for a while, and then is one without it', async t => {
  const waits: number[] = []
  let isUp = false
  const untilUp: UntilUp = async ({ timeoutMs }) => {
    waits.push(timeoutMs)
    isUp = waits.length === 3
    if (!isUp) throw new AgentError('TIMEOUT', 'no link')
  }
  const { cloud, files, folder } = await scene(t, { untilUp })
  writeFileSync(join(folder, 'a'), content)
  cloud.beforeCommand = () => {
    if (!isUp) throw new AgentError('NOT_CONNECTED', 'offline')
  }
  assert.equal((await files.upload(join(folder, 'a'))).files[0]?.tries, 3)
  assert.deepEqual(waits, [300_000, 300_000, 300_000])
})

test('a file that was written since its check sum was made is not sent in vain', async t => {
  const { cloud, files, folder } = await scene(t)
  const path = join(folder, 'a')
  writeFileSync(path, content)
  let sent = 0
  const { request } = cloud.https
  cloud.https.request = asked => {
    async function* counted() {
      for await (const chunk of asked.body?.stream ?? empty()) {
        sent += chunk.length
        yield chunk
      }
    }
    return request({ ...asked, body: { stream: counted(), bytes: asked.body?.bytes ?? 0 } })
  }
  changing(cloud, 1, () => utimesSync(path, 1000, 1000))
  assert.equal((await files.upload(path)).files[0]?.tries, 2)
  assert.equal(sent, content.length)
})

test('a file over 4 GB is announced and sent with its true size', async t => {
  const size = 5 * 2 ** 30
  const positions = { last: 0 }
  const facts = { ...plainFacts, kind: 'file', bytes: size } as const
  const cleared = new WeakSet<ArrayBufferLike>()
  const huge: TransferFiles = {
    ...transferFiles,
    look: async () => facts,
    openForReading: async () => ({
      facts: async () => facts,
      read: async (into, position) => {
        positions.last = Math.max(positions.last, position)
        // Five gigabytes of zeros, and each buffer is filled once.
        if (!cleared.has(into.buffer)) new Uint8Array(into.buffer).fill(0)
        cleared.add(into.buffer)
        return into.length
      },
      close: async () => {},
    }),
  }
  const { cloud, files } = await scene(t, { files: huge })
  let announced: number | undefined
  let sent = 0
  cloud.https.request = async ({ body }) => {
    announced = body?.bytes
    for await (const chunk of body?.stream ?? empty()) sent += chunk.length
    return { status: 200, headers: {}, body: Object.assign(empty(), { destroy: () => {} }) }
  }
  const progress: TransferProgress[] = []
  const result = await files.upload('/huge', { onProgress: one => progress.push(one) })
  assert.deepEqual([result.bytes, announced, sent], [size, size, size])
  assert.ok(positions.last > 2 ** 32)
  assert.deepEqual(progress.at(-1), { transferredBytes: size, totalBytes: size })
})

test('an upload holds a few blocks in memory, however large the file is and slow the network', async t => {
  const { cloud, files, folder } = await scene(t)
  writeFileSync(join(folder, 'a'), Buffer.alloc(5_000_000))
  const buffers = new Set<ArrayBufferLike>()
  const { request } = cloud.https
  cloud.https.request = async asked => {
    async function* watched() {
      for await (const chunk of asked.body?.stream ?? empty()) {
        buffers.add(chunk.buffer)
        yield chunk
      }
    }
    return request({ ...asked, body: { stream: watched(), bytes: 5_000_000 } })
  }
  await files.upload(join(folder, 'a'))
  const bytes = [...buffers].reduce((sum, { byteLength }) => sum + byteLength, 0)
  assert.equal(bytes, fileLimits.readBuffers * fileLimits.readBytes)
})

test('a file system that reads less than asked for makes no small blocks, which nobody would wait for', async t => {
  const short: TransferFiles = {
    ...transferFiles,
    openForReading: async (...where) => {
      const file = await transferFiles.openForReading(...where)
      return { ...file, read: (into, position) => file.read(into.subarray(0, 4093), position) }
    },
  }
  const { cloud, files, folder } = await scene(t, { files: short })
  const large = randomBytes(6 * fileLimits.readBytes + 1)
  writeFileSync(join(folder, 'a'), large)
  const lengths: number[] = []
  const { request } = cloud.https
  cloud.https.request = async asked => {
    async function* watched() {
      for await (const chunk of asked.body?.stream ?? empty()) {
        lengths.push(chunk.length)
        yield chunk
      }
    }
    return request({ ...asked, body: { stream: watched(), bytes: large.length } })
  }
  assert.equal((await files.upload(join(folder, 'a'))).files[0]?.tries, 1)
  assert.deepEqual(cloud.files.get('a')?.content, large)
  assert.deepEqual(new Set(lengths.slice(0, -1)), new Set([fileLimits.sendBytes]))
})

test('what is no regular file is refused with its reason, and never waited for', async t => {
  const { cloud, files, folder } = await scene(t)
  execFileSync('mkfifo', [join(folder, 'fifo')])
  await assert.rejects(files.upload(join(folder, 'fifo')), failsWith('FILE_ACCESS', /not a regular file/))
  await assert.rejects(files.upload('/dev/zero'), failsWith('FILE_ACCESS', /not a regular file/))
  await assert.rejects(files.upload('/proc/self/status'), failsWith('FILE_ACCESS', /no fixed size/))
  await assert.rejects(files.upload(join(folder, 'gone')), failsWith('FILE_NOT_FOUND', /gone.* does not exist/))
  await assert.rejects(files.upload(''), failsWith('INVALID_ARGUMENT'))
  await assert.rejects(files.upload(join(folder, 'fifo'), { name: '' }), failsWith('INVALID_ARGUMENT'))
  assert.equal(cloud.commands.length, 0)
})

test('a symbolic link given by the caller stands for the file behind it', async t => {
  const { cloud, files, folder } = await scene(t)
  writeFileSync(join(folder, 'real'), content)
  symlinkSync(join(folder, 'real'), join(folder, 'link'))
  await files.upload(join(folder, 'link'))
  assert.deepEqual(cloud.files.get('link')?.content, content)
})

test('a folder is sent with all its sub-folders, each file under its relative name; links in it are left out', async t => {
  const { cloud, files, folder } = await scene(t)
  mkdirSync(join(folder, 'sub', 'deeper'), { recursive: true })
  mkdirSync(join(folder, 'empty'))
  writeFileSync(join(folder, 'b'), 'bb')
  writeFileSync(join(folder, 'a'), 'a')
  writeFileSync(join(folder, 'sub', 'deeper', 'c'), 'ccc')
  symlinkSync('/etc/passwd', join(folder, 'link'))
  symlinkSync('/etc', join(folder, 'sub', 'etc'))
  execFileSync('mkfifo', [join(folder, 'fifo')])
  const progress: TransferProgress[] = []
  const result = await files.upload(folder, { onProgress: one => progress.push(one) })
  assert.deepEqual(
    result.files.map(({ name, bytes }) => [name, bytes]),
    [
      ['a', 1],
      ['b', 2],
      ['sub/deeper/c', 3],
    ],
  )
  assert.deepEqual([...cloud.files.keys()], ['a', 'b', 'sub/deeper/c'])
  assert.equal(result.bytes, 6)
  assert.deepEqual(progress.at(-1), { transferredBytes: 6, totalBytes: 6 })
  await files.upload(join(folder, 'sub'), { name: 'device/' })
  assert.ok(cloud.files.has('device/deeper/c'))
})

test('an empty folder sends nothing and is no failure', async t => {
  const { files, folder } = await scene(t)
  assert.deepEqual(await files.upload(folder), { path: folder, bytes: 0, files: [] })
})

test('a file of a folder that fails does not stop the others, and the error says which', async t => {
  const { cloud, files, folder } = await scene(t)
  for (const name of ['a', 'b', 'c']) writeFileSync(join(folder, name), name)
  cloud.beforeCommand = ({ params }) => {
    if (params?.fileName === 'b') throw new AgentError('REFUSED_BY_CLOUD', 'not this one')
  }
  await assert.rejects(files.upload(folder), (error: unknown) => {
    failsWith('REFUSED_BY_CLOUD', /1 of 3 files of .* were not uploaded: b: not this one/)(error)
    assert.ok(error instanceof AgentError)
    const { uploaded, failed } = error.details
    assert.deepEqual(
      (uploaded as { name: string }[]).map(({ name }) => name),
      ['a', 'c'],
    )
    assert.deepEqual(failed, [
      { path: join(folder, 'b'), name: 'b', code: 'REFUSED_BY_CLOUD', message: 'not this one' },
    ])
    return true
  })
})

test('when the cloud cannot be reached, a folder of many files does not wait for each of them', async t => {
  const { cloud, files, folder } = await scene(t)
  for (let index = 0; index < 20; index++) writeFileSync(join(folder, String(index)), 'x')
  cloud.beforeCommand = () => {
    throw new AgentError('NOT_CONNECTED', 'offline')
  }
  await assert.rejects(files.upload(folder), failsWith('NOT_CONNECTED', /20 of 20 files .* and 15 more/))
  assert.equal(cloud.commands.length, 3 * fileLimits.triesInARow)
})

test('a folder that is too deep is refused before anything is sent', async t => {
  const { cloud, files, folder } = await scene(t)
  mkdirSync(join(folder, ...Array.from({ length: fileLimits.folderDepth + 1 }, () => 'd')), { recursive: true })
  writeFileSync(join(folder, 'a'), 'a')
  await assert.rejects(files.upload(folder), failsWith('LIMIT_EXCEEDED', /levels of folders/))
  assert.equal(cloud.commands.length, 0)
})

test('a folder of too many files is refused before anything is sent', async t => {
  const crowded = withFolders(() => ({
    list: async function* () {
      for (let index = 0; index <= fileLimits.folderFiles; index++) yield String(index)
    },
    look: async () => ({ ...plainFacts, kind: 'file', bytes: 1 }),
  }))
  const { cloud, files, folder } = await scene(t, { files: crowded })
  await assert.rejects(files.upload(folder), failsWith('LIMIT_EXCEEDED', /more than 10000 files/))
  assert.equal(cloud.commands.length, 0)
})

test('the caller ends an upload: it ends at once, and nothing is asked any more', async t => {
  const { cloud, files, folder } = await scene(t)
  for (const name of ['a', 'b']) writeFileSync(join(folder, name), content)
  const end = new AbortController()
  cloud.script.push(request => void request.once('data', () => end.abort()))
  await assert.rejects(files.upload(folder, { signal: end.signal }), failsWith('ABORTED'))
  assert.equal(cloud.commands.length, 1)
})

test('the deadline of an upload ends it, and nothing goes on after it', async t => {
  const clock = new FakeClock()
  const { cloud, files, folder } = await scene(t, { clock })
  writeFileSync(join(folder, 'a'), content)
  let stalled: () => void = () => {}
  const isStalled = new Promise<void>(resolve => {
    stalled = resolve
  })
  cloud.script.push(() => stalled())
  const ended = assert.rejects(
    files.upload(join(folder, 'a'), { timeoutMs: 240_000 }),
    failsWith('TIMEOUT', /240000 ms/),
  )
  await isStalled
  await clock.advance(240_000)
  await ended
  await clock.advance(600_000)
  assert.equal(cloud.commands.length, 1)
  assert.equal(clock.timers, 0)
})

test('what was uploaded comes back the same', async t => {
  const { cloud, files, folder } = await scene(t)
  writeFileSync(join(folder, 'a'), content)
  await files.upload(join(folder, 'a'))
  const result = await files.download('a', join(folder, 'b'))
  assert.equal(result.crc32, crc32(content))
  assert.equal(cloud.count('file.get'), 1)
})

test('the file that was opened is the one that every try sends, whatever takes its place meanwhile', async t => {
  const { cloud, files, folder } = await scene(t)
  writeFileSync(join(folder, 'secret'), 'secret')
  writeFileSync(join(folder, 'a'), content)
  changing(cloud, 1, () => {
    renameSync(join(folder, 'a'), join(folder, 'old'))
    symlinkSync('secret', join(folder, 'a'))
  })
  cloud.script.push(answer(503), answer(503))
  assert.equal((await files.upload(join(folder, 'a'))).files[0]?.tries, 3)
  assert.deepEqual(cloud.files.get('a')?.content, content)
  assert.deepEqual(openDescriptors(folder), [], 'nothing stays open')
})

test('a folder whose sub-folder becomes a link while it is sent sends nothing through the link', async t => {
  const { cloud, files, folder } = await scene(t)
  mkdirSync(join(folder, 'out/sub'), { recursive: true })
  mkdirSync(join(folder, 'trap'))
  for (const path of ['out/a', 'out/sub/b', 'trap/b']) writeFileSync(join(folder, path), path)
  changing(cloud, 1, () => {
    renameSync(join(folder, 'out/sub'), join(folder, 'old'))
    symlinkSync('../trap', join(folder, 'out/sub'))
  })
  await assert.rejects(files.upload(join(folder, 'out')), failsWith('FILE_NOT_FOUND', /sub\/b/))
  assert.deepEqual([...cloud.files.keys()], ['a'])
  assert.deepEqual(openDescriptors(folder), [], 'nothing stays open')
})

test('a file whose name the cloud cannot have is told by name, and the others of its folder are sent', async t => {
  const { cloud, files, folder } = await scene(t)
  const names = ['t\xe9.log', 'two\nlines', 'fine.log', 'sub\xff/below', `${'x'.repeat(250)}`]
  mkdirSync(Buffer.from(`${folder}/sub\xff`, 'latin1'))
  for (const name of names) writeFileSync(Buffer.from(`${folder}/${name}`, 'latin1'), 'x')
  await assert.rejects(files.upload(folder), error => {
    assert.ok(error instanceof AgentError)
    assert.equal(error.code, 'INVALID_ARGUMENT')
    assert.match(error.message, /^3 of 5 files of \S+ were not uploaded: .*[^.]\.$/)
    for (const shown of [/ sub\\xFF\/below: .* must be UTF-8/, / t\\xE9\.log: /, / two\\x0Alines: .*control/])
      assert.match(error.message, shown)
    assert.doesNotMatch(error.message, /\n|\ufffd/)
    return true
  })
  assert.deepEqual([...cloud.files.keys()].sort(), ['fine.log', 'x'.repeat(250)].sort())
})

test('a path that a terminal has misread is said to be that', async t => {
  const { files, folder } = await scene(t)
  writeFileSync(Buffer.from(`${folder}/t\xe9.log`, 'latin1'), 'x')
  await assert.rejects(files.upload(join(folder, 't\ufffd.log')), error => {
    failsWith('FILE_NOT_FOUND', /or its name is not UTF-8/)(error)
    assert.match((error as AgentError).remedy, /Rename the file, or send it inside/)
    return true
  })
})
