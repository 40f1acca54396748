// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { eventually } from '../helpers/eventually.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { relayScene } from '../helpers/relay-scene.ts'
import { seeded } from '../helpers/seeded.ts'
import { echoServer } from '../helpers/tcp.ts'
import { tcpServer } from '../helpers/test-servers.ts'

test('the banner of a service carries the index, also from 128 on [TR50 6.5 rule 4] [R12, R16]', async t => {
  const { port } = await tcpServer(t, socket => void socket.end('SSH-2.0-x'))
  const { open } = await relayScene(t, { services: [{ name: 'SSH', port }] })
  const { relay } = await open()
  for (const index of [0, 7, 127, 128, 255]) {
    relay.connect(index)
    await relay.hearsEnd(index)
    assert.equal(String(relay.from(index)), 'SSH-2.0-x')
  }
  // Data is binary, an end is text [TR50 6.3].
  assert.deepEqual(
    relay.heard.slice(0, 2).map(({ text }) => text),
    [false, true],
  )
})

test('a disconnect ends its own channel and no other, after its last byte [R4] [TR50 6.5 rule 7]', async t => {
  const got = new Map<number, string>()
  const { port, sockets, peers } = await tcpServer(t, socket => {
    // The first one only checks that the service listens.
    const me = peers.length - 1
    got.set(me, '')
    socket.on('data', part => got.set(me, `${got.get(me)}${part}`))
  })
  const { open } = await relayScene(t, { services: [{ name: 'Sink', port }] })
  const { relay } = await open()
  for (const index of [0, 1, 2]) {
    relay.connect(index)
    await eventually('a local connection', () => sockets.size === index + 1)
  }
  relay.data(1, 'last words')
  relay.disconnect(1)
  relay.disconnect(77)
  await eventually('one connection less', () => sockets.size === 2)
  assert.equal(got.get(1), 'last words')
  relay.data(0, 'zero')
  relay.data(2, 'two')
  await eventually('the others live', () => got.get(0) === 'zero' && got.get(2) === 'two')
  assert.ok(!relay.heard.some(({ text }) => text))
})

test('what comes with the connect waits for the local connection [TR50 6.5 rule 3]', async t => {
  const { port } = await echoServer(t)
  const { open } = await relayScene(t, { services: [{ name: 'Echo', port }] })
  const { relay } = await open()
  relay.connect(3)
  for (const word of ['all ', 'at ', 'once']) relay.data(3, word)
  await relay.hears(3, 'all at once')
})

test('a refused local connection ends its own channel only [TR50 6.5 rule 6] [R9]', async t => {
  const echo = await echoServer(t)
  const { open } = await relayScene(t, { services: [{ name: 'Echo', port: echo.port }] })
  const { relay } = await open()
  relay.connect(0)
  relay.data(0, 'x')
  await relay.hears(0, 'x')
  echo.server.close()
  relay.connect(1)
  relay.data(1, 'lost')
  await relay.hearsEnd(1)
  relay.data(0, 'y')
  await relay.hears(0, 'xy')
  assert.equal(relay.closed, undefined)
})

test('markers inside data go through untouched [R6]', async t => {
  const { port } = await echoServer(t)
  const { open } = await relayScene(t, { services: [{ name: 'Echo', port }] })
  const { relay } = await open()
  relay.connect(0)
  const paste = 'CONNECTED-581273 \u0001CONNECTED-581273 DISCONNECTED-581273 CONNECTED-129812'
  relay.data(0, paste)
  await relay.hears(0, paste)
  // Binary, and exactly a marker: the channel is open already, so it can only be data.
  relay.data(0, 'CONNECTED-581273')
  await relay.hears(0, `${paste}CONNECTED-581273`)
})

test('a second connect replaces the local connection [TR50 6.5 rule 8] [R20]', async t => {
  const { port, sockets, peers } = await echoServer(t)
  const { open } = await relayScene(t, { services: [{ name: 'Echo', port }] })
  const { relay } = await open()
  relay.connect(0)
  await eventually('the first', () => sockets.size === 1)
  relay.connect(0)
  await eventually('the second alone', () => peers.length === 3 && sockets.size === 1)
  relay.data(0, 'to the new one')
  await relay.hears(0, 'to the new one')
})

test('without channels: bytes as they are, and the end of the service closes the session [R10]', async t => {
  const server: { socket?: Socket } = {}
  const { port } = await tcpServer(t, socket => {
    server.socket = socket
    socket.on('data', part => void socket.write(part))
  })
  const { open, events } = await relayScene(t, { services: [{ name: 'Echo', port }] })
  const { relay } = await open({ reconnect: false })
  relay.data(0, 'before the start: for nobody')
  relay.say('CONNECTED-129812')
  relay.say(Buffer.from('\u0000raw DISCONNECTED-581273'))
  const whole = () => String(Buffer.concat(relay.heard.map(({ bytes }) => bytes)))
  await eventually('the echo', () => whole() === '\u0000raw DISCONNECTED-581273')
  server.socket?.end('bye')
  assert.equal(await relay.hearsClose(), 1000)
  assert.equal(whole(), '\u0000raw DISCONNECTED-581273bye')
  await eventually('the end as an event', () => events.some(text => text.includes('the local service closed')))
})

test('with channels: the session ends with its last local connection, unless reconnect is asked for [TR50 6.5 rule 5]', async t => {
  const { port, sockets } = await tcpServer(t, () => {})
  const { open } = await relayScene(t, { services: [{ name: 'Any', port }] })
  for (const reconnect of [true, false]) {
    const { relay } = await open({ reconnect })
    relay.connect(0)
    relay.connect(1)
    const two = await eventually('two connections', () => (sockets.size === 2 ? [...sockets] : undefined))
    two[0]?.end()
    await eventually('one end', () => relay.heard.length === 1)
    two[1]?.end()
    await eventually('both ends', () => relay.heard.length === 2)
    if (reconnect) {
      relay.connect(0)
      await eventually('a new one', () => sockets.size === 1)
      relay.webSocket.close()
    }
    await relay.hearsClose()
    await eventually('nothing left', () => sockets.size === 0)
  }
})

test('what the cloud sent before it closed still reaches the service [R1]', async t => {
  const parts: Buffer[] = []
  const held: { socket?: Socket } = {}
  const { port, peers, sockets } = await tcpServer(t, socket => {
    // The first one only checks that the service listens.
    if (peers.length > 0) held.socket = socket
    socket.on('data', part => void parts.push(part))
    socket.pause()
  })
  const { open } = await relayScene(t, { services: [{ name: 'Sink', port }] })
  const { relay } = await open()
  relay.connect(0)
  const socket = await eventually('a local connection', () => held.socket)
  const chunk = Buffer.alloc(700_000, 'bulk ')
  // More than the buffers of the system hold: the last of it still waits in the device when the close arrives.
  for (let round = 0; round < 16; round++) relay.data(0, chunk)
  relay.webSocket.close(1000)
  const steps = setInterval(() => socket.resume().once('data', () => socket.pause()), 1)
  t.after(() => clearInterval(steps))
  await eventually('all of it', () => sockets.size === 0)
  assert.equal(Buffer.concat(parts).length, 16 * chunk.length)
})

test('a service that reads slowly holds the relay back, with bounded memory [TR50 6.5 rule 9] [R8]', async t => {
  const held: { socket?: Socket } = {}
  let received = 0
  const { port, peers } = await tcpServer(t, socket => {
    // The first one only checks that the service listens.
    if (peers.length > 0) held.socket = socket
    socket.on('data', part => {
      received += part.length
    })
    socket.pause()
  })
  const { open, sessions } = await relayScene(t, { services: [{ name: 'Slow', port }] })
  const { relay } = await open()
  relay.connect(0)
  await eventually('a local connection', () => held.socket)
  const total = 48 * 1024 * 1024
  const chunk = Buffer.alloc(65_536, 1)
  chunk[0] = 0
  let sent = 0
  const pump = () => {
    while (sent < total && relay.webSocket.bufferedAmount < 1024 * 1024) {
      relay.webSocket.send(chunk, pump)
      sent += chunk.length - 1
    }
  }
  pump()
  const taken = () => Number(sessions.list()[0]?.bytesFromCloud)
  // The buffers of the system take some megabytes; then nothing moves any more.
  await eventually('a standstill', async () => {
    const before = taken()
    await new Promise(resolve => setTimeout(resolve, 300))
    return before > 0 && taken() === before
  })
  assert.ok(taken() < total / 2, `${taken()} of ${total} bytes were taken`)
  assert.equal(relay.closed, undefined)
  held.socket?.resume()
  await eventually('all of it', () => sent >= total && received === sent)
})

test('an operator who reads slowly holds the service back, and gets every byte', async t => {
  const total = 32 * 1024 * 1024
  let sent = 0
  const { port, peers } = await tcpServer(t, socket => {
    // The first one only checks that the service listens.
    if (peers.length === 0) return
    const chunk = Buffer.alloc(65_536, 7)
    const pump = () => {
      while (sent < total) {
        sent += chunk.length
        if (!socket.write(chunk)) return
      }
      socket.end()
    }
    socket.on('drain', pump)
    pump()
  })
  const { open } = await relayScene(t, { services: [{ name: 'Source', port }] })
  const { relay } = await open()
  relay.webSocket.pause()
  relay.connect(0)
  await eventually('a standstill', async () => {
    const before = sent
    await new Promise(resolve => setTimeout(resolve, 300))
    return before > 0 && sent === before
  })
  assert.ok(sent < total)
  relay.webSocket.resume()
  await relay.hearsEnd(0)
  const got = relay.from(0)
  assert.equal(got.length, sent)
  assert.ok(got.every(byte => byte === 7))
})

test('a channel that takes nothing does not hold up the others for ever', async t => {
  const clock = new FakeClock()
  const { port, sockets } = await tcpServer(t, socket => {
    if (sockets.size > 0) socket.pipe(socket)
    else socket.pause()
  })
  const { open } = await relayScene(t, { services: [{ name: 'Both', port }], clock })
  const { relay } = await open()
  relay.connect(0)
  await eventually('the stuck one', () => sockets.size === 1)
  relay.connect(1)
  await eventually('the other', () => sockets.size === 2)
  const chunk = Buffer.alloc(512 * 1024)
  for (let round = 0; round < 40; round++) relay.data(0, chunk)
  relay.data(1, 'hello')
  await eventually('a standstill', async () => {
    await clock.advance(1000)
    return relay.webSocket.bufferedAmount === 0 || clock.monotonicMs() > 20_000
  })
  await eventually('the stuck one is dropped', async () => {
    await clock.advance(10_000)
    return relay.heard.some(({ text, bytes }) => text && bytes[0] === 0)
  })
  await relay.hears(1, 'hello')
})

test('a session without data ends; one with data does not [R17]', async t => {
  const clock = new FakeClock()
  const { port, sockets } = await echoServer(t)
  const { open, events } = await relayScene(t, {
    services: [{ name: 'Echo', port }],
    clock,
    limits: { idleTimeoutS: 60 },
  })
  const { relay } = await open()
  relay.connect(0)
  for (let minute = 1; minute <= 5; minute++) {
    relay.data(0, 'x')
    await relay.hears(0, 'x'.repeat(minute))
    await clock.advance(50_000)
  }
  assert.equal(relay.closed, undefined)
  await clock.advance(11_000)
  assert.equal(await relay.hearsClose(), 1000)
  await eventually('nothing left', () => sockets.size === 0)
  await eventually('an event', () =>
    events.some(text => text.includes('no data for 60 s (remote_access.idle_timeout)')),
  )
})

test('a session ends when its time is over', async t => {
  const clock = new FakeClock()
  const { port } = await echoServer(t)
  const { open, events } = await relayScene(t, {
    services: [{ name: 'Echo', port }],
    clock,
    limits: { maxDurationS: 100 },
  })
  const { relay } = await open()
  await clock.advance(100_000)
  await relay.hearsClose()
  await eventually('an event', () => events.some(text => text.includes('remote_access.max_duration')))
})

test('pings keep a quiet session; a relay that answers none is given up [TR50 6.5 rule 10] [R17]', async t => {
  const clock = new FakeClock()
  const { port, sockets } = await echoServer(t)
  const { open, events } = await relayScene(t, { services: [{ name: 'Echo', port }], clock })
  const { relay } = await open()
  relay.connect(0)
  await eventually('a connection', () => sockets.size === 1)
  let pings = 0
  relay.webSocket.on('ping', () => pings++)
  for (let round = 1; round <= 10; round++) {
    await clock.advance(30_000)
    await eventually('a ping', () => pings >= round)
    // The answer has to get back before time goes on.
    relay.data(0, 'x')
    await relay.hears(0, 'x'.repeat(round))
  }
  assert.equal(relay.closed, undefined)
  relay.webSocket.pause()
  for (let round = 0; round < 5; round++) await clock.advance(30_000)
  await eventually('nothing left', () => sockets.size === 0)
  await eventually('an event', () => events.some(text => text.includes('the relay does not answer any more')))
})

test('a client too many is refused with a disconnect; the others stay', async t => {
  const { port, sockets } = await echoServer(t)
  const { open, log } = await relayScene(t, { services: [{ name: 'Echo', port }], limits: { maxChannels: 2 } })
  const { relay } = await open()
  for (const index of [0, 1, 2]) relay.connect(index)
  await relay.hearsEnd(2)
  await eventually('two', () => sockets.size === 2)
  assert.match(log.text(), /channel refused: too many at once.*remote_access\.max_channels 2/)
})

test('a message too large ends the session with its reason', async t => {
  const { port } = await echoServer(t)
  const { open, events } = await relayScene(t, { services: [{ name: 'Echo', port }] })
  const { relay } = await open()
  relay.connect(0)
  relay.data(0, Buffer.alloc(1_100_000))
  await relay.hearsClose()
  await eventually('an event', () => events.some(text => /Max payload size exceeded/.test(text)))
})

test('the URL can be used by a relay that refuses, and neither the error nor the log tells it', async t => {
  const { port } = await echoServer(t)
  const clock = new FakeClock()
  const scene = await relayScene(t, { services: [{ name: 'Echo', port }], clock })
  scene.webSockets.options.verifyClient = () => false
  const { error, told } = await scene.fails(clock, scene.url.replace('4711', '53cr3t?k=53cr3t'))
  assert.match(String(error), /The relay cannot be reached/)
  assert.match(String(told.reason), /answered 401/)
  assert.ok(!`${error}${JSON.stringify(scene.log.records)}`.includes('53cr3t'))
  assert.deepEqual(scene.sessions.list(), [])
})

test('seeded nonsense from the relay harms nobody (3,000 messages)', async t => {
  const { port } = await echoServer(t)
  const { open, sessions } = await relayScene(t, { services: [{ name: 'Echo', port }] })
  const { relay } = await open()
  const next = seeded(99)
  for (let round = 0; round < 3000; round++) {
    const index = next(12)
    const what = next(5)
    if (what === 0) relay.connect(index)
    else if (what === 1) relay.disconnect(index)
    else if (what === 2) relay.say(Buffer.from(Array.from({ length: next(40) }, () => next(256))))
    else if (what === 3) relay.say('€uro CONNECTED-581273'.slice(next(10)))
    else relay.data(index, Buffer.alloc(next(3000), index))
    if (round % 500 === 0) await once(relay.webSocket, 'message', { signal: AbortSignal.timeout(2000) }).catch(() => {})
  }
  // Many channels that end at once count against the limit until they have ended.
  for (let index = 0; index < 256; index++) relay.disconnect(index)
  await eventually('no channel left', () => sessions.list()[0]?.openChannels === 0)
  relay.connect(200)
  relay.data(200, 'still in order')
  await relay.hears(200, 'still in order')
})

test('much data before the local connection is there waits, and is not lost [TR50 6.5 rule 3]', async t => {
  const { port } = await echoServer(t)
  const { open } = await relayScene(t, { services: [{ name: 'Echo', port }] })
  const { relay } = await open()
  relay.connect(0)
  relay.data(0, 'x')
  await relay.hears(0, 'x')
  relay.connect(1)
  const bulk = Buffer.alloc(900_000, 'bulk ')
  relay.data(1, bulk)
  relay.data(1, bulk)
  await eventually('all of it', () => relay.from(1).length === 1_800_000)
  assert.ok(relay.from(1).equals(Buffer.concat([bulk, bulk])))
})
