// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import mqttPacket from 'mqtt-packet'
import type { Clock } from '../../src/base/clock.ts'
import { AgentError } from '../../src/base/errors.ts'
import type { Link } from '../../src/connection/link.ts'
import { maxUnacknowledged } from '../../src/connection/mqtt/mqtt-session.ts'
import { maxIncomingPacketBytes } from '../../src/connection/mqtt/packet-filter.ts'
import type { OnWire } from '../../src/connection/reconnect.ts'
import { unaskedPackets } from '../../src/connection/socket/packet-budget.ts'
import { next, type TestOpener, testLink, testOpener } from '../helpers/connecting.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { connack, healthy, type Script, type ScriptedServer, scriptedServer } from '../helpers/mqtt-script.ts'
import { freePort } from '../helpers/tcp.ts'
import { tcpServer } from '../helpers/test-servers.ts'

interface Scene {
  readonly server: ScriptedServer
  readonly link: Link
  readonly clock: FakeClock
  readonly tools: TestOpener
}

/** A link to a scripted server, with a clock that stands still until the test turns it. */
async function scene(t: TestContext, script: Script = healthy, keepaliveS?: number): Promise<Scene> {
  const server = await scriptedServer(t, script)
  const clock = new FakeClock()
  const tools = testOpener(t, { clock })
  const link = linkTo(t, server.port, tools, clock, keepaliveS)
  return { server, link, clock, tools }
}

function linkTo(t: TestContext, port: number, tools: TestOpener, clock: Clock, keepaliveS?: number): Link {
  const endpoint = { host: '127.0.0.1', port, transport: 'mqtt' as const }
  return testLink(t, endpoint, tools, { clock, ...(keepaliveS === undefined ? {} : { keepaliveS }) })
}

async function goUp(link: Link): Promise<void> {
  const up = next(link, 'up')
  link.start()
  await up
}

test('CONNECT is what the Python agent sends, and nothing is subscribed [TR50 1.2] [TR50 1.3]', async t => {
  const { server, link } = await scene(t)
  await goUp(link)
  const { protocolId, protocolVersion, clean, clientId, username, password, keepalive, will } =
    await server.take('connect')
  assert.deepEqual(
    { protocolId, protocolVersion, clean, clientId, username, password: String(password), keepalive, will },
    {
      protocolId: 'MQTT',
      protocolVersion: 4,
      clean: true,
      clientId: 'device-1-app',
      username: 'device-1-app',
      password: 's3cret-token',
      keepalive: 60,
      will: undefined,
    },
  )
  await link.publish('api/0001', 'x', 1)
  await link.close()
  assert.deepEqual(
    server.received.map(({ cmd }) => cmd),
    ['connect', 'publish', 'disconnect'],
  )
})

test('a QoS 1 publish resolves with its PUBACK, not before', async t => {
  const answers: (() => void)[] = []
  const { server, link } = await scene(t, (packet, connection) => {
    if (packet.cmd !== 'publish') return healthy(packet, connection)
    answers.push(() => healthy(packet, connection))
  })
  await goUp(link)
  let done = false
  const published = link.publish('api/0001', Buffer.from('payload'), 1).then(() => (done = true))
  const { topic, payload, qos, dup } = await server.take('publish')
  assert.deepEqual(
    { topic, payload: String(payload), qos, dup },
    { topic: 'api/0001', payload: 'payload', qos: 1, dup: false },
  )
  // Whatever else happens on this connection, the acknowledgement is what counts.
  await link.publish('api/0002', 'other', 0)
  await server.take('publish')
  assert.equal(done, false)
  answers[0]?.()
  await published
})

test('what is not acknowledged when the connection ends rejects with LINK_LOST, later calls with NOT_CONNECTED', async t => {
  const { server, link } = await scene(t, (packet, connection) => {
    if (packet.cmd === 'publish') connection.socket.destroy()
    else healthy(packet, connection)
  })
  await assert.rejects(link.publish('api/0001', 'x', 1), { code: 'NOT_CONNECTED' })
  await goUp(link)
  const down = next(link, 'down')
  await Promise.all([
    assert.rejects(link.publish('api/0001', 'x', 1), { code: 'LINK_LOST' }),
    assert.rejects(link.publish('api/0002', 'y', 1), { code: 'LINK_LOST' }),
  ])
  await down
  await assert.rejects(link.publish('api/0003', 'x', 0), { code: 'NOT_CONNECTED' })
  assert.equal(server.received.filter(({ cmd }) => cmd === 'connect').length, 1)
})

test('mail that comes in the same segment as CONNACK is delivered, after "up"', async t => {
  const note = {
    cmd: 'publish',
    topic: 'notify/mailbox_activity',
    payload: '{}',
    qos: 1,
    messageId: 5,
    dup: false,
    retain: false,
  } as const
  const { server, link } = await scene(t, (packet, { send }) => packet.cmd === 'connect' && send(connack, note))
  const heard: string[] = []
  link.on('up', () => heard.push('up'))
  const message = next(link, 'message')
  link.on('message', topic => heard.push(topic))
  link.start()
  await message
  assert.deepEqual(heard, ['up', 'notify/mailbox_activity'])
  assert.equal((await server.take('puback')).messageId, 5)
})

test('a server that sends messages instead of CONNACK is given up before they fill the memory', async t => {
  const { link } = await scene(t, ({ cmd }, { send, socket }) => {
    if (cmd !== 'connect') return
    const payload = Buffer.alloc(1024 * 1024)
    for (let mebibytes = 0; mebibytes < 16; mebibytes++)
      send({ cmd: 'publish', topic: 'reply/0001', payload, qos: 0, dup: false, retain: false })
    socket.end()
  })
  const failed = next(link, 'failed')
  link.start()
  const [error] = await failed
  assert.equal(error.code, 'PROTOCOL_VIOLATION')
  assert.match(error.message, /messages instead of an answer to the MQTT login/)
})

test('a server that acknowledges no packet is given up before they fill the memory', async t => {
  let taken = 0
  const { link } = await scene(t, ({ cmd }, { send, socket }) => {
    if (cmd === 'connect') send(connack)
    if (cmd === 'publish' && ++taken > maxUnacknowledged) socket.destroy()
  })
  await goUp(link)
  const down = next(link, 'down')
  const packets = Array.from({ length: maxUnacknowledged + 1 }, () => link.publish('api/0001', 'x', 1))
  const [error] = await down
  assert.match(error.message, /the cloud has not acknowledged 1024 packets/)
  const outcomes = await Promise.allSettled(packets)
  assert.ok(outcomes.every(({ status }) => status === 'rejected'))
})

test('a refused login is reported as such, asked again ever more rarely, and heals by itself', async t => {
  let returnCode = 5
  const { server, link, clock, tools } = await scene(t, (packet, connection) => {
    if (packet.cmd === 'connect' && returnCode !== 0) connection.send({ ...connack, returnCode })
    else healthy(packet, connection)
  })
  link.on('failed', error => assert.fail(error))
  let rejected = next(link, 'rejected')
  link.start()
  const waits: number[] = []
  const downSince = link.status().downSinceMonotonicMs
  for (let time = 0; time < 3; time++) {
    const [error] = await rejected
    rejected = next(link, 'rejected')
    assert.equal(error.code, 'LOGIN_REFUSED')
    assert.match(error.message, /CONNACK 5/)
    const { state, nextTryInMs = 0, attempts } = link.status()
    assert.deepEqual({ state, attempts }, { state: 'waiting', attempts: time + 1 })
    waits.push(nextTryInMs)
    if (time === 2) returnCode = 0
    const up = time === 2 ? next(link, 'up') : undefined
    await clock.advance(nextTryInMs)
    await up
  }
  assert.deepEqual(waits, [22_500, 45_000, 90_000])
  assert.equal(downSince, 0)
  assert.equal(link.status().downSinceMonotonicMs, undefined)
  assert.equal(server.received.filter(({ cmd }) => cmd === 'connect').length, 4)
  assert.ok(!tools.log.text().includes('s3cret-token'))
})

test('a cloud that accepts and then closes is asked ever more rarely, and counts as no link all the while', async t => {
  const { link, clock } = await scene(t, (packet, { send, socket }) => {
    if (packet.cmd !== 'connect') return
    send(connack)
    socket.end()
  })
  await clock.advance(1000)
  let down = next(link, 'down')
  link.start()
  const waits: number[] = []
  for (let time = 0; time < 3; time++) {
    const [error] = await down
    down = next(link, 'down')
    assert.equal(error.code, 'SESSION_TAKEN_OVER')
    waits.push(link.status().nextTryInMs ?? 0)
    assert.equal(link.status().downSinceMonotonicMs, 1000)
    await clock.advance(waits[time] ?? 0)
  }
  assert.deepEqual(waits, [3750, 7500, 15_000])
})

/** A link to a cloud that accepts and closes, and what it says of so many sessions; `onWire` is what of ours was on the wire. */
async function ofTakenSessions(t: TestContext, sessions: number, onWire: (session: number) => OnWire) {
  const server = await scriptedServer(t, (packet, { send, socket }) => {
    if (packet.cmd !== 'connect') return
    send(connack)
    socket.end()
  })
  const clock = new FakeClock()
  const tools = testOpener(t, { clock })
  let ended = -1
  const endpoint = { host: '127.0.0.1', port: server.port, transport: 'mqtt' as const }
  const link = testLink(t, endpoint, tools, { clock, onWire: () => onWire(++ended) })
  const duplicates: number[] = []
  link.on('duplicateClient', () => void duplicates.push(ended))
  const codes: string[] = []
  const waits: number[] = []
  let down = next(link, 'down')
  link.start()
  for (let session = 0; session < sessions; session++) {
    const [error] = await down
    down = next(link, 'down')
    codes.push(error.code)
    waits.push(link.status().nextTryInMs ?? 0)
    if (session < sessions - 1) await clock.advance(link.status().nextTryInMs ?? 0)
  }
  return { codes, waits, duplicates, status: link.status() }
}

test('a session that ends while a poison candidate is on the wire is no takeover: no wait that grows, no word of a second device', async t => {
  const { codes, waits, duplicates, status } = await ofTakenSessions(t, 6, session =>
    session === 0 ? 'items' : 'candidate',
  )
  assert.deepEqual(codes, ['SESSION_TAKEN_OVER', ...new Array(5).fill('LINK_LOST')])
  assert.deepEqual(waits.slice(1), [750, 1500, 3000, 3750, 3750])
  assert.deepEqual(duplicates, [])
  assert.equal(status.downSinceMonotonicMs, 3750 + 750 + 1500 + 3000 + 3750, 'each session was a link')
})

test('a second device is spoken of at once when nothing of ours was on the wire, and later when something was', async t => {
  assert.deepEqual((await ofTakenSessions(t, 6, () => 'nothing')).duplicates, [1])
  assert.deepEqual((await ofTakenSessions(t, 6, () => 'items')).duplicates, [3])
  assert.deepEqual((await ofTakenSessions(t, 6, session => (session < 2 ? 'items' : 'nothing'))).duplicates, [2])
})

test('a first connect that fails ends nothing: the link comes up when the server does, at once when told', async t => {
  const port = await freePort()
  const clock = new FakeClock()
  const link = linkTo(t, port, testOpener(t, { clock }), clock)
  const failed = next(link, 'failed')
  link.start()
  const [error] = await failed
  assert.equal(error.code, 'TCP_FAILED')
  assert.equal(error.message, `127.0.0.1:${port}: connection refused (ECONNREFUSED)`)
  assert.equal(link.status().attempts, 1)
  const server = await scriptedServer(t, healthy, port)
  const up = next(link, 'up')
  link.tryNow('the network changed')
  await up
  assert.equal(server.peers.length, 1)
})

test('a session that was stable and is lost comes back within a second', async t => {
  const { server, link, clock } = await scene(t)
  await goUp(link)
  await clock.advance(61_000)
  const down = next(link, 'down')
  for (const socket of server.sockets) socket.destroy()
  const [error] = await down
  assert.equal(error.code, 'LINK_LOST')
  assert.equal(link.status().downSinceMonotonicMs, 61_000)
  const up = next(link, 'up')
  await clock.advance(1000)
  await up
  assert.equal(link.status().reconnects, 1)
})

test('a half-open connection is found within one and a half keep-alives', async t => {
  let dead = false
  const { server, link, clock } = await scene(t, (packet, connection) => dead || healthy(packet, connection), 10)
  await goUp(link)
  await clock.advance(10_000)
  await server.take('pingreq')
  await link.publish('api/0001', 'proves that the ping was answered', 1)
  dead = true
  await clock.advance(10_000)
  await server.take('pingreq')
  assert.equal(link.isUp, true)
  const down = next(link, 'down')
  await clock.advance(5000)
  const [error] = await down
  assert.equal(error.code, 'LINK_LOST')
  assert.match(error.message, /no answer to MQTT pings/)
})

test('a server that never answers the login is given up after the timeout', async t => {
  const { server, link, clock } = await scene(t, () => {})
  link.start()
  await server.take('connect')
  const failed = next(link, 'failed')
  await clock.advance(30_000)
  const [error] = await failed
  assert.equal(error.code, 'TIMEOUT')
})

test('a server that accepts and says nothing at all is given up, and tried again', async t => {
  const server = await tcpServer(t, socket => socket.resume())
  const clock = new FakeClock()
  const link = linkTo(t, server.port, testOpener(t, { clock }), clock)
  const failed = next(link, 'failed')
  link.start()
  while (server.peers.length === 0 || clock.timers < 1) await new Promise(resolve => setImmediate(resolve))
  await clock.advance(60_000)
  assert.equal((await failed)[0].code, 'TIMEOUT')
})

test('a server that does not speak MQTT is a failed try, not the end of the process', async t => {
  const server = await tcpServer(t, socket => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'))
  const clock = new FakeClock()
  const link = linkTo(t, server.port, testOpener(t, { clock }), clock)
  const failed = next(link, 'failed')
  link.start()
  assert.equal((await failed)[0].code, 'PROTOCOL_VIOLATION')
  assert.equal(link.status().state, 'waiting')
})

test('a message beyond the limit is handed out in pieces, survived, acknowledged and counted', async t => {
  const { server, link, tools } = await scene(t, (packet, connection) => {
    healthy(packet, connection)
    if (packet.cmd !== 'publish') return
    const payload = Buffer.alloc(maxIncomingPacketBytes + 1)
    connection.send({ cmd: 'publish', topic: 'reply/0001', payload, qos: 1, messageId: 3, dup: false, retain: false })
  })
  await goUp(link)
  let pieceBytes = 0
  link.on('piece', (topic, piece) => {
    assert.equal(topic, 'reply/0001')
    pieceBytes += piece.length
  })
  const message = next(link, 'message')
  await link.publish('api/0001', 'x', 1)
  const [topic, payload] = await message
  assert.deepEqual([topic, payload.length, pieceBytes], ['reply/0001', 0, maxIncomingPacketBytes + 1])
  assert.equal((await server.take('puback')).messageId, 3)
  assert.equal(link.isUp, true)
  assert.equal(link.status().oversizedMessages, 1)
  assert.match(tools.log.text(), /too large.*topic=reply\/0001/)
})

test('a session that is found dead above is given up, and a new one comes', async t => {
  const { server, link, clock } = await scene(t)
  await goUp(link)
  const down = next(link, 'down')
  const reason = new AgentError('TIMEOUT', 'no answer to a ping of the protocol above')
  link.reconnect(reason)
  assert.equal((await down)[0], reason)
  const up = next(link, 'up')
  link.tryNow('test')
  await up
  assert.equal(server.received.filter(({ cmd }) => cmd === 'connect').length, 2)
  assert.equal(clock.nextInMs, 30_000)
})

test('a listener that throws harms neither the session nor the other listeners', async t => {
  const { link, server, tools } = await scene(t, (packet, connection) => {
    healthy(packet, connection)
    if (packet.cmd === 'publish')
      connection.send({ cmd: 'publish', topic: 'reply/0001', payload: '{', qos: 0, dup: false, retain: false })
  })
  for (const event of ['up', 'message'] as const)
    link.on(event, () => {
      throw new Error('a bug of an application')
    })
  await goUp(link)
  const message = next(link, 'message')
  await link.publish('api/0001', 'x', 1)
  await message
  await link.publish('api/0002', 'y', 1)
  assert.equal(server.sockets.size, 1)
  assert.match(tools.log.text(), /a listener failed.*a bug of an application/)
})

test('close sends DISCONNECT behind what is under way, leaves no timer, and may be called twice', async t => {
  const { server, link, clock } = await scene(t)
  await goUp(link)
  const published = link.publish('api/0001', 'last words', 1)
  const closing = link.close()
  assert.equal(link.close(), closing)
  await Promise.all([published, closing])
  assert.deepEqual(
    server.received.map(({ cmd }) => cmd),
    ['connect', 'publish', 'disconnect'],
  )
  assert.equal(clock.timers, 0)
  assert.equal(link.status().state, 'stopped')
  link.start()
  assert.equal(link.status().state, 'stopped')
})

test('close does not wait for a server that is dead', async t => {
  const { link, clock, server } = await scene(t, (packet, { send }) => packet.cmd === 'connect' && send(connack))
  await goUp(link)
  const published = assert.rejects(link.publish('api/0001', 'x', 1), { code: 'LINK_LOST' })
  await server.take('publish')
  const closing = link.close({ timeoutMs: 500 })
  await clock.advance(500)
  await Promise.all([published, closing])
  assert.equal(clock.timers, 0)
})

test('a link that is closed while it connects or waits never comes up', async t => {
  const { link, clock, server } = await scene(t)
  link.on('up', () => assert.fail('up'))
  link.start()
  await link.close()
  const waiting = await scene(t, (packet, { send }) => packet.cmd === 'connect' && send({ ...connack, returnCode: 4 }))
  const rejected = next(waiting.link, 'rejected')
  waiting.link.start()
  await rejected
  await waiting.link.close()
  await Promise.all([clock.advance(400_000), waiting.clock.advance(400_000)])
  assert.deepEqual([clock.timers, waiting.clock.timers], [0, 0])
  assert.equal(server.received.length, 0)
  assert.equal(waiting.server.received.length, 1)
})

const message = (topic: string, bytes = 2) =>
  ({ cmd: 'publish', topic, payload: Buffer.alloc(bytes, 0x20), qos: 0, dup: false, retain: false }) as const

for (const [what, packet, most] of [
  ['answers to pings', { cmd: 'pingresp' }, unaskedPackets.atOnce],
  ['acknowledgements of nothing', { cmd: 'puback', messageId: 7 }, unaskedPackets.atOnce],
  ['notifications', message('notify/mailbox_activity'), unaskedPackets.atOnce],
  ['replies to nobody', message('reply/0999'), unaskedPackets.atOnce],
  ['large messages', message('reply/0999', 256 * 1024), unaskedPackets.atOnce / 16],
] as const)
  test(`${what} without end are a violation of the protocol, which ends the session`, async t => {
    const { server, link } = await scene(t)
    let heard = 0
    link.on('message', () => void heard++)
    await goUp(link)
    const down = next(link, 'down')
    const [socket] = server.sockets
    const bytes = mqttPacket.generate(packet)
    const some = Buffer.concat(Array.from({ length: Math.ceil(2000 / (1 + bytes.length / 1000)) }, () => bytes))
    const send = () => {
      if (socket === undefined || socket.destroyed) return
      if (socket.write(some)) setImmediate(send)
      else socket.once('drain', send)
    }
    send()
    const [error] = await down
    assert.equal(error.code, 'PROTOCOL_VIOLATION')
    assert.match(error.message, /packets that the agent did not ask for/)
    assert.ok(heard <= most, `${heard} messages got through`)
  })

test('what was asked for is no flood, however much it is', async t => {
  const { server, link } = await scene(t, (packet, connection) => {
    healthy(packet, connection)
    // An answer, and twice more.
    if (packet.cmd === 'publish') for (let at = 0; at < 3; at++) connection.send(message('reply/0001'))
  })
  let heard = 0
  link.on('message', () => void heard++)
  await goUp(link)
  const times = 2 * unaskedPackets.atOnce
  for (let at = 0; at < times; at += 100)
    await Promise.all(Array.from({ length: 100 }, () => link.publish('api/0001', 'x', 1)))
  while (heard < 3 * times) await next(link, 'message')
  assert.equal(link.isUp, true)
  assert.equal(server.peers.length, 1)
})

test('what comes unasked now and then is no flood, however long it goes on', async t => {
  const { server, link, clock } = await scene(t)
  let heard = 0
  link.on('message', () => void heard++)
  await goUp(link)
  // CONNACK and the answers to pings are packets too.
  const many = unaskedPackets.atOnce - 100
  const some = Buffer.concat(Array.from({ length: many }, () => mqttPacket.generate(message('notify/x'))))
  for (let round = 1; round <= 3; round++) {
    for (const socket of server.sockets) socket.write(some)
    while (heard < round * many) await next(link, 'message')
    await clock.advance((1000 * unaskedPackets.atOnce) / unaskedPackets.perSecond)
  }
  assert.equal(server.peers.length, 1)
})
