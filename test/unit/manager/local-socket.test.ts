// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { existsSync, lstatSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { systemClock } from '../../../src/base/clock.ts'
import { AgentError } from '../../../src/base/errors.ts'
import { isJsonObject, type JsonObject } from '../../../src/base/json.ts'
import { askManager } from '../../../src/manager/local-api/client.ts'
import { maxPendingPerConnection, type RequestHandler } from '../../../src/manager/local-api/connection.ts'
import { LineReader } from '../../../src/manager/local-api/line-reader.ts'
import { maxLineBytes } from '../../../src/manager/local-api/message.ts'
import { type LocalClient, localRequests } from '../../../src/manager/local-api/requests.ts'
import { LocalSocketServer, maxConnections } from '../../../src/manager/local-api/server.ts'
import { socketPlace } from '../../../src/platform/process/socket-place.ts'
import { eventually } from '../../helpers/eventually.ts'
import { memoryLog } from '../../helpers/memory-log.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

async function serve(t: TestContext, handler: RequestHandler, folder = tempDir(t)) {
  const path = join(folder, 'device-cloud.sock')
  const { log } = memoryLog()
  const server = new LocalSocketServer({ place: socketPlace(path), handler, log })
  await server.start()
  t.after(() => server.close(systemClock, 50))
  return { path, folder, server }
}

/** A program on the socket: says lines, and takes the answers one by one. */
async function program(t: TestContext, path: string) {
  const socket: Socket = connect({ path })
  t.after(() => void socket.destroy())
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]()
  socket.on('error', () => {})
  await new Promise<void>(resolve => socket.once('connect', resolve))
  return {
    socket,
    say: (...requests: unknown[]) => {
      for (const one of requests) socket.write(`${typeof one === 'string' ? one : JSON.stringify(one)}\n`)
    },
    hear: async () => {
      const { value, done } = await lines.next()
      return done ? undefined : JSON.parse(value)
    },
  }
}

const echo: RequestHandler = async ({ body }) => ({ said: body.say })

test('answers requests under their ids, also several at once and out of order', async t => {
  const gates = new Map<string, () => void>()
  const { path } = await serve(t, async ({ body }) => {
    await new Promise<void>(resolve => gates.set(String(body.say), resolve))
    return { said: body.say }
  })
  const { say, hear } = await program(t, path)
  say({ v: 1, id: 1, do: 'echo', say: 'a' }, { v: 1, id: 'two', do: 'echo', say: 'b' })
  await eventually('both', () => gates.size === 2)
  gates.get('b')?.()
  assert.deepEqual(await hear(), { v: 1, id: 'two', ok: true, result: { said: 'b' } })
  gates.get('a')?.()
  assert.deepEqual(await hear(), { v: 1, id: 1, ok: true, result: { said: 'a' } })
})

test('tells what is wrong with a line, and goes on with the next', async t => {
  const { path } = await serve(t, echo)
  const { say, hear } = await program(t, path)
  const rows = [
    ['not json', null, /not a JSON object/],
    ['[1]', null, /not a JSON object/],
    [`{"v":1,"id":1,"do":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, null, /nested deeper than 64 levels/],
    [{ id: 1, do: 'echo' }, 1, /"v" must be 1/],
    [{ v: 2, id: 1, do: 'echo' }, 1, /"v" must be 1/],
    [{ v: 1, do: 'echo' }, null, /"id" must be/],
    ['{"v":1,"id":9007199254740993,"do":"echo"}', null, /"id" must be a number up to 9007199254740991/],
    [{ v: 1, id: { a: 1 }, do: 'echo' }, null, /"id" must be/],
    [{ v: 1, id: 5 }, 5, /"do" must be a string/],
    ['\u0000\u0001', null, /not a JSON object/],
  ] as const
  for (const [line, id, message] of rows) {
    say(line, '')
    const { v, ok, id: answered, code, message: text, remedy } = await hear()
    assert.deepEqual([v, ok, answered, code], [1, false, id, 'INVALID_ARGUMENT'])
    assert.match(text, message)
    assert.ok(remedy)
  }
  say({ v: 1, id: 9, do: 'echo', say: 'still here' })
  assert.equal((await hear()).result.said, 'still here')
})

test('a failure of the handler is an answer with its code; a bug does not end the manager', async t => {
  const { path } = await serve(t, async ({ body }) => {
    if (body.say === 'bug') throw new TypeError('x is not a function')
    throw new AgentError('OUTBOX_FULL', 'no room')
  })
  const { say, hear } = await program(t, path)
  say({ v: 1, id: 1, do: 'x' }, { v: 1, id: 2, do: 'x', say: 'bug' })
  const answers = [await hear(), await hear()]
  assert.deepEqual(answers.map(({ code }) => code).sort(), ['INTERNAL', 'OUTBOX_FULL'])
})

test('a line that is too long ends the connection, with a reason, and without holding it in memory', async t => {
  let asked = 0
  const { path } = await serve(t, async () => {
    asked++
    return {}
  })
  const { socket, hear } = await program(t, path)
  socket.write('x'.repeat(maxLineBytes))
  socket.write('"}\n{"v":1,"id":1,"do":"x"}\n')
  assert.equal((await hear()).code, 'LIMIT_EXCEEDED')
  assert.equal(await hear(), undefined)
  assert.equal(asked, 0)
})

test('requests under way and connections are bounded', async t => {
  const { path, server } = await serve(t, () => new Promise(() => {}))
  const { say, hear } = await program(t, path)
  for (let id = 0; id <= maxPendingPerConnection; id++) say({ v: 1, id, do: 'x' })
  const refused = await hear()
  assert.deepEqual([refused.id, refused.code], [maxPendingPerConnection, 'LIMIT_EXCEEDED'])
  for (let more = 1; more < maxConnections; more++) await program(t, path)
  await eventually('all connected', () => server.connections === maxConnections)
  const late = await program(t, path)
  assert.equal((await late.hear()).code, 'LIMIT_EXCEEDED')
  assert.equal(await late.hear(), undefined)
})

test('a program that never reads its answers is cut off, and the others are answered', async t => {
  const large = 'x'.repeat(maxLineBytes / 2)
  const { path, server } = await serve(t, async ({ body }) => ({ said: body.say ?? large }))
  const deaf = connect({ path })
  t.after(() => void deaf.destroy())
  deaf.on('error', () => {})
  deaf.pause()
  await eventually('connected', () => server.connections === 1)
  const ask = () => {
    if (server.connections === 0) return
    deaf.write(`${JSON.stringify({ v: 1, id: 1, do: 'x' })}\n`)
    setImmediate(ask)
  }
  ask()
  await eventually('it is cut off', () => server.connections === 0)
  const { say, hear } = await program(t, path)
  say({ v: 1, id: 2, do: 'x', say: 'here' })
  assert.equal((await hear()).result.said, 'here')
})

test('a line that comes byte by byte is put together, and one that is too long ends in time', () => {
  const lines: string[] = []
  let tooLong = 0
  const reader = new LineReader({ onLine: line => lines.push(line), onTooLong: () => tooLong++ })
  const text = 'ä'.repeat(5000)
  for (const byte of Buffer.from(`${text}\n`)) reader.push(Buffer.from([byte]))
  assert.deepEqual(lines, [text])
  for (let at = 0; at <= maxLineBytes; at++) reader.push(Buffer.from('x'))
  assert.equal(tooLong, 1)
})

test('a program that goes away ends what it had asked for', async t => {
  const ended: string[] = []
  const { path } = await serve(
    t,
    (_request, { signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          ended.push('told')
          reject(signal.reason)
        })
        ended.push('begun')
      }),
  )
  const { say, socket } = await program(t, path)
  say({ v: 1, id: 1, do: 'x' })
  await eventually('begun', () => ended.length === 1)
  socket.destroy()
  await eventually('told', () => ended.includes('told'))
})

test('a program that only writes and closes its side still gets its answer', async t => {
  const { path } = await serve(t, echo)
  const { say, hear, socket } = await program(t, path)
  say({ v: 1, id: 1, do: 'echo', say: 'x' })
  socket.end()
  assert.equal((await hear()).result.said, 'x')
})

test('the socket is for its owner alone, replaces one that was left, and goes with the server', async t => {
  const folder = tempDir(t)
  const path = join(folder, 'device-cloud.sock')
  // What a killed process leaves: a socket file without a listener.
  const { spawnSync } = await import('node:child_process')
  const kill = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
  spawnSync(process.execPath, ['-e', kill])
  assert.ok(existsSync(path))
  const umask = process.umask(0)
  t.after(() => void process.umask(umask))
  const { server } = await serve(t, echo, folder)
  assert.equal(lstatSync(path).mode & 0o777, 0o600)
  assert.deepEqual(readdirSync(folder), ['device-cloud.sock'])
  assert.deepEqual(await askManager({ path, request: { do: 'echo', say: 'x' } }), { said: 'x' })
  await server.close(systemClock, 50)
  assert.deepEqual(readdirSync(folder), [])
})

test('never removes a file that is no socket, and names a path that is too long', async t => {
  const folder = tempDir(t)
  writeFileSync(join(folder, 'device-cloud.sock'), 'precious')
  await assert.rejects(serve(t, echo, folder), { code: 'FILE_ACCESS' })
  assert.ok(existsSync(join(folder, 'device-cloud.sock')))
  const deep = join(folder, 'x'.repeat(100))
  mkdirSync(deep)
  await assert.rejects(serve(t, echo, deep), { code: 'LIMIT_EXCEEDED' })
})

test('a server that never got its socket does not take it from the one that has it', async t => {
  const { path } = await serve(t, echo)
  const other = new LocalSocketServer({ place: socketPlace(path), handler: echo, log: memoryLog().log })
  await other.close(systemClock, 50)
  assert.ok(existsSync(path))
})

test('asking tells a manager that does not run from one that says no', async t => {
  const folder = tempDir(t)
  const nobody = { path: join(folder, 'none.sock'), request: { do: 'status' } }
  await assert.rejects(askManager(nobody), { code: 'MANAGER_NOT_RUNNING' })
  writeFileSync(join(folder, 'file'), '')
  const nowhere = { path: join(folder, 'file', 'none.sock'), request: { do: 'status' } }
  await assert.rejects(askManager(nowhere), {
    code: 'MANAGER_NOT_RUNNING',
    message: /a part of the path is not a folder/,
  })
  const stranger = createServer(socket => socket.end('HTTP/1.1 400 Bad Request\r\n'))
  const path = join(folder, 'other.sock')
  await new Promise<void>(resolve => stranger.listen(path, resolve))
  t.after(() => void stranger.close())
  await assert.rejects(askManager({ path, request: { do: 'status' } }), { code: 'MANAGER_NOT_RUNNING' })
  const no = await serve(t, async () => {
    throw new AgentError('POLICY_REFUSED', 'not now')
  })
  await assert.rejects(askManager({ path: no.path, request: { do: 'x' } }), {
    code: 'POLICY_REFUSED',
    message: 'not now',
  })
})

function recordingClient(said: unknown[]): LocalClient {
  const receipt = {
    accepted: true as const,
    delivered: async (o?: unknown) => void said.push(['delivered', o !== undefined]),
  }
  const take =
    (kind: string) =>
    async (...args: unknown[]) => {
      said.push(JSON.parse(JSON.stringify([kind, ...args])))
      return receipt
    }
  return {
    isConnected: true,
    telemetry: { publish: take('telemetry') },
    attributes: { publish: take('attribute') },
    alarms: { publish: take('alarm') },
    events: { publish: take('event') },
    location: { publish: take('location') },
    diagnostics: { ping: async () => 12 },
    files: {
      upload: async (path, { name, global, onProgress }) => {
        said.push(['upload', path, name, global])
        onProgress?.({ transferredBytes: 1, totalBytes: 2 })
        return { bytes: 2, files: [{}] }
      },
      download: async (name, path) => {
        said.push(['download', name, path])
        return { bytes: 3, path }
      },
    },
  }
}

test('publishes every kind of sample, and moves files with progress', async t => {
  const said: unknown[] = []
  let isConnected = true
  const { path } = await serve(
    t,
    localRequests({
      client: {
        ...recordingClient(said),
        get isConnected() {
          return isConnected
        },
      },
      status: async () => ({ fine: true }),
      log: () => 'a line\n',
      endRelays: async id => {
        said.push(['relay end', id])
        return 1
      },
    }),
  )
  const ask = (request: JsonObject, onProgress?: (facts: JsonObject) => void) =>
    askManager({ path, request, ...(onProgress ? { onProgress } : {}) })
  assert.deepEqual(await ask({ do: 'status' }), { fine: true })
  assert.deepEqual(await ask({ do: 'log' }), { text: 'a line\n' })
  assert.deepEqual(await ask({ do: 'ping' }), { roundTripMs: 12 })
  const accepted = { accepted: true, delivered: false }
  const timestamp = '2024-03-05T10:11:12Z'
  assert.deepEqual(await ask({ do: 'publish', kind: 'telemetry', name: 't', value: -1.5, timestamp }), accepted)
  await ask({ do: 'publish', kind: 'attribute', name: 'a', text: 'x' })
  await ask({ do: 'publish', kind: 'alarm', name: 'a', state: 2, message: 'hot' })
  await ask({ do: 'publish', kind: 'event', message: 'e', level: 'warning' })
  await ask({ do: 'publish', kind: 'location', latitude: 1, longitude: -2, altitude: 3 })
  const whole = {
    telemetry: { timestamp, corrId: 'c', aggregate: true },
    attribute: { timestamp, republish: true, corrId: 'c' },
    alarm: { message: 'hot', republish: false, timestamp, corrId: 'c', latitude: 1, longitude: 2 },
    event: { level: 'error', timestamp, corrId: 'c', global: true },
    location: {
      ...{ latitude: 1, longitude: 2, heading: 3, altitude: 4, speed: 5, accuracy: 6, fixType: 'gps' },
      ...{ streetNumber: '7', street: 's', city: 'c', state: 's', zipCode: 'z', country: 'x', timestamp, corrId: 'c' },
    },
  }
  await ask({ do: 'publish', kind: 'telemetry', name: 't', value: 1, ...whole.telemetry })
  await ask({ do: 'publish', kind: 'attribute', name: 'a', text: 'x', ...whole.attribute })
  await ask({ do: 'publish', kind: 'alarm', name: 'a', state: 1, ...whole.alarm })
  await ask({ do: 'publish', kind: 'event', message: 'e', ...whole.event })
  await ask({ do: 'publish', kind: 'location', ...whole.location })
  assert.deepEqual(said.splice(5), [
    ['telemetry', 't', 1, whole.telemetry],
    ['attribute', 'a', 'x', whole.attribute],
    ['alarm', 'a', 1, whole.alarm],
    ['event', 'e', whole.event],
    ['location', whole.location],
  ])
  assert.deepEqual(await ask({ do: 'publish', kind: 'event', message: 'e', waitS: 5 }), {
    accepted: true,
    delivered: true,
  })
  const progress: JsonObject[] = []
  const sent = await ask({ do: 'upload', path: '/a/b', name: 'c', global: true }, facts => void progress.push(facts))
  assert.deepEqual(sent, { path: '/a/b', bytes: 2, files: 1 })
  assert.deepEqual(progress, [{ transferredBytes: 1, totalBytes: 2 }])
  // A caller without a link is shown what the request waits for.
  isConnected = false
  const waiting: JsonObject[] = []
  await ask({ do: 'upload', path: '/a/b', name: 'c', global: true }, facts => void waiting.push(facts))
  assert.deepEqual(waiting[0], { waitsFor: 'link' })
  assert.deepEqual(await ask({ do: 'download', name: 'n', destination: '/d' }), { path: '/d', bytes: 3 })
  assert.deepEqual(await ask({ do: 'relay end', session: 'r1' }), { ended: 1 })
  assert.deepEqual(said, [
    ['telemetry', 't', -1.5, { timestamp }],
    ['attribute', 'a', 'x', {}],
    ['alarm', 'a', 2, { message: 'hot' }],
    ['event', 'e', { level: 'warning' }],
    ['location', { latitude: 1, longitude: -2, altitude: 3 }],
    ['event', 'e', {}],
    ['delivered', true],
    ['upload', '/a/b', 'c', true],
    ['upload', '/a/b', 'c', true],
    ['download', 'n', '/d'],
    ['relay end', 'r1'],
  ])
})

test('digits that a number cannot carry are refused on the socket and published by nobody; those that it can are', async t => {
  const said: unknown[] = []
  const { path } = await serve(
    t,
    localRequests({ client: recordingClient(said), status: async () => ({}), log: () => '', endRelays: async () => 0 }),
  )
  const { say, hear } = await program(t, path)
  const publish = async (kind: string, members: string) => {
    say(`{"v":1,"id":1,"do":"publish","kind":"${kind}","name":"n",${members}}`)
    return hear()
  }
  for (const digits of ['9007199254740993', '89014103211118510720', '1e400'])
    for (const [kind, member] of [
      ['telemetry', 'value'],
      ['alarm', 'state'],
    ] as const) {
      const { ok, code, message } = await publish(kind, `"${member}":${digits}`)
      assert.deepEqual([ok, code], [false, 'INVALID_ARGUMENT'])
      assert.equal(message, `"${member}" is ${digits}, and a number of the cloud has about 16 digits.`)
    }
  assert.match((await publish('attribute', '"text":89014103211118510720')).message, /"text" must be a string/)
  assert.deepEqual(said, [])
  for (const digits of ['10000000000000000000', '9007199254740992', '1e300', '1.50', '-0.5'])
    assert.equal((await publish('telemetry', `"value":${digits}`)).ok, true, digits)
  assert.deepEqual(
    said.map(one => Array.isArray(one) && one[2]),
    [1e19, 9007199254740992, 1e300, 1.5, -0.5],
  )
})

test('a request with wrong members is refused, and names the member', async t => {
  const said: unknown[] = []
  const { path } = await serve(
    t,
    localRequests({ client: recordingClient(said), status: async () => ({}), log: () => '', endRelays: async () => 0 }),
  )
  const rows: readonly (readonly [JsonObject, RegExp])[] = [
    [{ do: 'dance' }, /"do" must be status, log, ping/],
    [{ do: 'publish' }, /"kind" must be a string; it is missing/],
    [{ do: 'publish', kind: 'smell' }, /"kind" must be telemetry/],
    [{ do: 'publish', kind: 'telemetry', name: 't', value: '5' }, /"value" must be a number/],
    [{ do: 'publish', kind: 'telemetry', value: 5 }, /"name" must be a string; it is missing/],
    [{ do: 'publish', kind: 'event', message: 'x', level: 'loud' }, /"level" must be/],
    [{ do: 'publish', kind: 'event', message: 'x', waitS: -1 }, /"waitS" must be 0 to 86400/],
    [{ do: 'publish', kind: 'alarm', name: 'a', state: 1, republish: 1 }, /"republish" must be true or false/],
    [
      { do: 'publish', kind: 'telemetry', name: 't', value: 1, republish: true },
      /^a publish of kind "telemetry" has no member "republish"\. It takes .*, corrId, aggregate\.$/,
    ],
    [{ do: 'publish', kind: 'location', latitude: 1, longitude: 2, altitud: 3 }, /Did you mean "altitude"\?/],
    [{ do: 'publish', kind: 'attribute', name: 'a', text: 'x', tags: [] }, /has no member "tags"/],
    [{ do: 'publish', kind: 'alarm', name: 'a', state: 1, corr_id: 'c' }, /Did you mean "corrId"\?/],
    [{ do: 'publish', kind: 'event', message: 'x', public: true }, /has no member "public"/],
    [{ do: 'upload', path: '/a', pubic: true }, /^"upload" has no member "pubic"\. Did you mean "public"\?/],
    [{ do: 'upload', path: '/a', tags: 'x' }, /"tags" must be a list of strings/],
    [{ do: 'download', name: 'n', destination: '/a', timeout: 5 }, /Did you mean "timeoutS"\?/],
    [{ do: 'status', all: true }, /^"status" has no member "all"/],
    [{ do: 'log', lines: 5 }, /has no member "lines"/],
    [{ do: 'ping', timeoutS: 5 }, /has no member "timeoutS"/],
    [{ do: 'relay end', session: 'r1', force: true }, /has no member "force"/],
    [{ do: 'constructor' }, /"do" must be status, log, ping/],
    [{ do: 'upload', path: 'relative' }, /"path" must be an absolute path/],
    [{ do: 'download', name: 'n', destination: '/a\0b' }, /"destination" must be an absolute path/],
  ]
  for (const [request, message] of rows)
    await assert.rejects(askManager({ path, request }), (error: unknown) => {
      assert.ok(error instanceof AgentError && error.code === 'INVALID_ARGUMENT')
      assert.match(error.message, message)
      const meant = /Did you mean ("\w+")/.exec(error.message)?.[1]
      if (meant !== undefined)
        assert.equal(error.remedy, `Write ${meant}, or remove it.`, 'the remedy comes over as well')
      return isJsonObject(error.details)
    })
  assert.deepEqual(said, [])
})
