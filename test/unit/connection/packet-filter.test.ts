// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import mqttPacket, { type Packet } from 'mqtt-packet'
import { PacketFilter } from '../../../src/connection/mqtt/packet-filter.ts'

const limit = 1000

function message(topic: string, payload: string | Buffer, qos: 0 | 1, messageId = 7): Buffer {
  return mqttPacket.generate({ cmd: 'publish', topic, payload, qos, messageId, dup: false, retain: false })
}

/** Sends bytes through a filter in pieces of one size; what comes out, parsed, and what was reported. */
function filter(bytes: Buffer, pieceBytes: number) {
  const reported: [string, number][] = []
  const pieces: Buffer[] = []
  const watched = new PacketFilter(
    (topic, size) => reported.push([topic, size]),
    limit,
    () => {},
    (topic, piece) => pieces.push(Buffer.from(`${topic === 'reply/0002' ? '' : topic}${piece}`)),
  )
  const out: Buffer[] = []
  for (let at = 0; at < bytes.length; at += pieceBytes) out.push(...watched.take(bytes.subarray(at, at + pieceBytes)))
  const packets: Packet[] = []
  const parser = mqttPacket.parser({ protocolVersion: 4 })
  parser.on('packet', packet => packets.push(packet))
  parser.on('error', error => assert.fail(error))
  parser.parse(Buffer.concat(out))
  return { out: Buffer.concat(out), packets, reported, pieces: Buffer.concat(pieces).toString() }
}

const pieceSizes = [1, 2, 3, 7, 128, 1001, 100_000]

test('packets within the limit pass byte for byte, however they are cut', () => {
  const bytes = Buffer.concat([
    mqttPacket.generate({ cmd: 'connack', returnCode: 0, sessionPresent: false }),
    message('reply/0001', 'x'.repeat(500), 1),
    mqttPacket.generate({ cmd: 'pingresp' }),
    message('a', '', 0),
    mqttPacket.generate({ cmd: 'puback', messageId: 9 }),
    message('reply/0002', 'y'.repeat(limit - 14), 1),
  ])
  for (const size of pieceSizes) {
    const { out, packets, reported } = filter(bytes, size)
    assert.ok(out.equals(bytes), `pieces of ${size}`)
    assert.equal(packets.length, 6)
    assert.deepEqual(reported, [])
  }
})

test('a message beyond the limit hands out its content and goes on without it, keeps topic, QoS and id, and its neighbours are untouched', () => {
  for (const qos of [0, 1] as const) {
    const big = message('reply/0002', Buffer.alloc(300_000, 'z'), qos, 4711)
    const bytes = Buffer.concat([message('before', '1', 1), big, message('after', '2', 1)])
    for (const size of pieceSizes) {
      const { packets, reported, pieces } = filter(bytes, size)
      const seen = packets.map(packet =>
        packet.cmd === 'publish' ? [packet.topic, String(packet.payload)] : packet.cmd,
      )
      assert.deepEqual(seen, [
        ['before', '1'],
        ['reply/0002', ''],
        ['after', '2'],
      ])
      const [, dropped] = packets
      assert.ok(dropped?.cmd === 'publish' && dropped.qos === qos)
      assert.equal(dropped.messageId, qos === 1 ? 4711 : undefined)
      assert.deepEqual(reported, [['reply/0002', big.length - 4]])
      assert.ok(pieces === 'z'.repeat(300_000), `the content in pieces of ${size}`)
    }
  }
})

test('a length of five bytes is not MQTT', () => {
  const watched = new PacketFilter(() => {}, limit)
  assert.throws(() => watched.take(Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0x01])), { code: 'PROTOCOL_VIOLATION' })
})

test('an oversized packet that is no message, and one whose topic is longer than itself, end the session', () => {
  const header = [0xff, 0xff, 0x7f]
  for (const bytes of [
    [0x90, ...header],
    [0x31, 0xe9, 0x07, 0xff, 0xff, ...new Array<number>(70_000).fill(65)],
  ]) {
    const watched = new PacketFilter(() => {}, limit)
    assert.throws(() => watched.take(Buffer.from(bytes)), { code: 'PROTOCOL_VIOLATION' })
  }
})
