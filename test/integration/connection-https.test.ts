// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { AgentError } from '../../src/base/errors.ts'
import { lookMs, maxInformationalAnswers, maxOverheadBytes } from '../../src/connection/http/answer-guard.ts'
import { HttpsClient, type HttpsRequest } from '../../src/connection/http/https.ts'
import { testOpener } from '../helpers/connecting.ts'
import { eventually } from '../helpers/eventually.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { makeAuthority, makeCertificate } from '../helpers/test-certificates.ts'
import { listen, type TestServer, tlsServer } from '../helpers/test-servers.ts'

const authority = makeAuthority()
const certificate = makeCertificate({ name: 'files', issuer: authority, hosts: ['127.0.0.1'] })
const { certificate: cert, key } = certificate

interface Scene {
  readonly server: TestServer
  readonly clock: FakeClock
  request(options: Partial<HttpsRequest>): ReturnType<HttpsClient['request']>
}

async function scene(t: TestContext, answer: RequestListener): Promise<Scene> {
  return client(t, await listen(t, createServer({ cert, key }, answer)))
}

function client(t: TestContext, server: TestServer): Scene {
  const clock = new FakeClock()
  const { opener, log } = testOpener(t, { authority, clock })
  const https = new HttpsClient({ opener, clock, log: log.log })
  const place = { method: 'GET', host: '127.0.0.1', port: server.port, path: '/file/1' } as const
  const limits = { connectTimeoutMs: 10_000, idleTimeoutMs: 5000 }
  return { server, clock, request: options => https.request({ ...place, ...limits, ...options }) }
}

async function text(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks).toString()
}

async function* endless(chunk: Uint8Array, count: { sent: number }): AsyncGenerator<Uint8Array> {
  for (;;) {
    count.sent += chunk.length
    yield chunk
  }
}

async function* oneChunk(content: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(content)
}

const closed = (server: TestServer) => eventually('the connection is closed', () => server.sockets.size === 0)

test('one request, one connection: the head is complete and asks for no continuation', async t => {
  const heads: IncomingMessage['headers'][] = []
  const { server, clock, request } = await scene(t, (incoming, response) => {
    heads.push(incoming.headers)
    response.setHeader('X-Test', 'yes').end('content')
  })
  const { status, headers, body } = await request({ headers: { 'accept-encoding': 'identity' } })
  assert.equal(status, 200)
  assert.equal(headers['x-test'], 'yes')
  assert.equal(await text(body), 'content')
  assert.deepEqual(heads, [{ host: `127.0.0.1:${server.port}`, connection: 'close', 'accept-encoding': 'identity' }])
  await closed(server)
  assert.equal(clock.timers, 0)
})

test('a body of known length announces it, an unknown one travels in chunks', async t => {
  const seen: unknown[] = []
  const { request } = await scene(t, (incoming, response) => {
    let content = ''
    incoming.on('data', data => (content += data))
    incoming.on('end', () => {
      seen.push([incoming.headers['content-length'], incoming.headers['transfer-encoding'], content])
      response.end()
    })
  })
  for (const bytes of [7, undefined])
    await text((await request({ method: 'POST', body: { stream: oneChunk('content'), bytes } })).body)
  await text((await request({ method: 'POST', body: { stream: oneChunk(''), bytes: 0 } })).body)
  assert.deepEqual(seen, [
    ['7', undefined, 'content'],
    [undefined, 'chunked', 'content'],
    ['0', undefined, ''],
  ])
})

test('a body that is not as long as announced ends the request with what is wrong', async t => {
  const { server, request } = await scene(t, incoming => void incoming.resume())
  for (const bytes of [6, 8])
    await assert.rejects(request({ method: 'POST', body: { stream: oneChunk('content'), bytes } }), {
      code: 'INVALID_ARGUMENT',
    })
  await closed(server)
})

test("a failure of the body's own stream comes back as it is", async t => {
  const { server, request } = await scene(t, incoming => void incoming.resume())
  const failure = new Error('the disk is gone')
  const stream = (async function* () {
    yield Buffer.from('con')
    throw failure
  })()
  await assert.rejects(request({ method: 'POST', body: { stream } }), failure)
  await closed(server)
})

test('an error that comes while the body is being sent ends the sending, and is the answer', async t => {
  const { server, request } = await scene(t, (_incoming, response) => response.writeHead(413).end('too large'))
  const count = { sent: 0 }
  const { status, body } = await request({ method: 'POST', body: { stream: endless(Buffer.alloc(65_536), count) } })
  assert.equal(status, 413)
  assert.equal(await text(body), 'too large')
  await closed(server)
})

test('a server that does not read slows the sender down, and one that stops reading is given up', async t => {
  const { clock, request } = await scene(t, () => {})
  const count = { sent: 0 }
  const refused = assert.rejects(request({ method: 'POST', body: { stream: endless(Buffer.alloc(65_536), count) } }), {
    code: 'TIMEOUT',
    message: /nothing moved for 5000 ms/,
  })
  let before = -1
  await eventually('the sender stands still', async () => {
    await new Promise(resolve => setTimeout(resolve, 50))
    const still = count.sent === before && before > 0
    before = count.sent
    return still
  })
  assert.ok(count.sent < 32 * 1024 * 1024, `${count.sent} bytes were taken from the stream`)
  await clock.advance(5000)
  await refused
  assert.equal(clock.timers, 0)
})

test('a slow reader slows the server down, and may take its time', async t => {
  let written = 0
  const { clock, request } = await scene(t, (_incoming, response: ServerResponse) => {
    const pump = () => {
      do written += 65_536
      while (response.write(Buffer.alloc(65_536)))
    }
    response.on('drain', pump)
    pump()
  })
  const { body } = await request({})
  const chunks = body[Symbol.asyncIterator]()
  await chunks.next()
  let before = -1
  await eventually('the server stands still', async () => {
    await new Promise(resolve => setTimeout(resolve, 50))
    const still = written === before
    before = written
    return still
  })
  assert.ok(written < 32 * 1024 * 1024, `${written} bytes were written`)
  await clock.advance(60_000)
  assert.equal((await chunks.next()).done, false)
  body.destroy()
  assert.equal(clock.timers, 0)
})

test('a server that stops in the middle is given up after the idle time', async t => {
  const { server, clock, request } = await scene(t, (_incoming, response) => {
    response.writeHead(200, { 'Content-Length': '100' })
    response.write('half')
  })
  const { body } = await request({})
  const chunks = body[Symbol.asyncIterator]()
  assert.equal(String((await chunks.next()).value), 'half')
  const refused = assert.rejects(chunks.next(), { code: 'TIMEOUT' })
  await clock.advance(5000)
  await refused
  await closed(server)
})

test('a download that is cut, and one that is shorter than announced, is LINK_LOST, never an end', async t => {
  const { request } = await scene(t, (incoming, response) => {
    response.writeHead(200, incoming.url === '/announced' ? { 'Content-Length': '100' } : {})
    response.write('half', () => response.socket?.destroy())
  })
  for (const path of ['/announced', '/chunked']) {
    const { body } = await request({ path })
    await assert.rejects(text(body), { code: 'LINK_LOST' }, path)
  }
})

test('a server that hangs up before an answer is LINK_LOST; one that does not speak HTTP is PROTOCOL_VIOLATION', async t => {
  const silent = client(
    t,
    await tlsServer(t, certificate, { serve: socket => socket.once('data', () => socket.destroy()) }),
  )
  await assert.rejects(silent.request({}), { code: 'LINK_LOST' })
  const odd = client(t, await tlsServer(t, certificate, { serve: socket => socket.end('220 smtp ready\r\n\r\n') }))
  await assert.rejects(odd.request({}), { code: 'PROTOCOL_VIOLATION' })
})

test('an abort ends a request at any time, with its reason, and leaves nothing behind', async t => {
  const { server, clock, request } = await scene(t, (incoming, response) => {
    if (incoming.url === '/answered') response.write('half')
  })
  const reason = new AgentError('CLOSED', 'the client was closed')
  const waiting = new AbortController()
  const refused = assert.rejects(request({ signal: waiting.signal }), reason)
  await eventually('the server is connected to', () => server.peers.length === 1)
  waiting.abort(reason)
  await refused

  const reading = new AbortController()
  const { body } = await request({ path: '/answered', signal: reading.signal })
  const chunks = body[Symbol.asyncIterator]()
  await chunks.next()
  const cut = assert.rejects(chunks.next(), reason)
  reading.abort(reason)
  await cut
  await closed(server)
  assert.equal(clock.timers, 0)
})

test('a body that is destroyed unread closes the connection', async t => {
  const { server, clock, request } = await scene(t, (_incoming, response) => response.write('half'))
  const { body } = await request({})
  body.destroy()
  await closed(server)
  assert.equal(clock.timers, 0)
})

test('a path that is none is refused before anything is opened', async t => {
  const { server, request } = await scene(t, () => {})
  for (const path of ['', 'file/1', '/file/1 HTTP/1.1\r\nX: y', '/file/ü'])
    await assert.rejects(request({ path }), { code: 'INVALID_ARGUMENT' })
  assert.equal(server.peers.length, 0)
})

/** A server that sends `head`, and then `flood` for as long as the client takes it. Reports how many bytes of the flood it sent. */
async function flooding(t: TestContext, head: string, flood: string) {
  const told = { bytes: 0 }
  // Time goes on with what is sent: more between two looks than an answer may have beside its body.
  const pass = () => {
    if (told.bytes % (2 * maxOverheadBytes) < flood.length) void scene.clock.advance(lookMs)
  }
  const send = (socket: Socket) => {
    if (socket.destroyed) return
    const isTaken = socket.write(flood)
    told.bytes += flood.length
    pass()
    if (isTaken) setImmediate(() => send(socket))
    else socket.once('drain', () => send(socket))
  }
  const server = await tlsServer(t, certificate, {
    serve: socket =>
      socket.once('data', () => {
        socket.write(head)
        send(socket)
      }),
  })
  const scene = client(t, server)
  return { server, told, request: scene.request }
}

const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'

for (const [what, flood] of [
  ['100 Continue', 'HTTP/1.1 100 Continue\r\n\r\n'],
  ['102 Processing', 'HTTP/1.1 102 Processing\r\n\r\n'],
  ['103 Early Hints', `HTTP/1.1 103 Early Hints\r\nLink: </${'x'.repeat(8000)}>\r\n\r\n`],
] as const) {
  test(`a server that answers ${what} without end is given up, whether it is asked for a file or sent one`, async t => {
    const { server, request } = await flooding(t, '', flood)
    const refused = { code: 'PROTOCOL_VIOLATION', message: /more than 16 informational answers/ }
    await assert.rejects(request({}), refused)
    const count = { sent: 0 }
    const stream = endless(Buffer.alloc(16 * 1024), count)
    await assert.rejects(request({ method: 'POST', body: { stream } }), refused)
    await closed(server)
  })
}

test('as many informational answers as a server may send are passed over', async t => {
  const { request } = await flooding(
    t,
    `${'HTTP/1.1 102 Processing\r\n\r\n'.repeat(maxInformationalAnswers)}${chunked}`,
    '1\r\nx\r\n0\r\n\r\n',
  )
  const { status, body } = await request({})
  assert.equal(status, 200)
  assert.equal((await text(body)).slice(0, 1), 'x')
})

test('a head, a chunk extension and a trailer without end are given up', async t => {
  for (const [head, flood] of [
    ['HTTP/1.1 200 OK\r\n', 'X-A: b\r\n'],
    ['HTTP/1.1 200 OK\r\nX-A: ', 'b'.repeat(100)],
    [`${chunked}1`, ';a=b'],
    [`${chunked}1\r\nx\r\n0\r\n`, 'X-A: b\r\n'],
    // Each by itself is small, but there is hardly any content in between.
    [chunked, `1;${'a'.repeat(8000)}\r\nx\r\n`],
  ] as const) {
    const { server, told, request } = await flooding(t, head, flood)
    const asked = request({}).then(({ body }) => text(body))
    await assert.rejects(asked, { code: 'PROTOCOL_VIOLATION' }, `${head} ${flood}`.slice(0, 80))
    await closed(server)
    assert.ok(told.bytes < 64 * maxOverheadBytes, `${told.bytes} bytes were sent`)
  }
})

test('chunks of one byte are a body like any other', async t => {
  const bytes = 300_000
  const { request } = await flooding(t, chunked + '1\r\nx\r\n'.repeat(bytes), '0\r\n\r\n')
  assert.equal((await text((await request({})).body)).length, bytes)
})
