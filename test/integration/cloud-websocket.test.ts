// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { generate, parser } from 'mqtt-packet'
import { WebSocket } from 'ws'
import { type LocalCloud, startCloud } from '../helpers/local-cloud.ts'
import { plainDevice } from '../helpers/plain-device.ts'

test('speaks MQTT over WebSocket on both paths with both subprotocols [TR50 1.1]', async t => {
  const cloud = await startCloud(t)
  for (const [path, protocol] of [
    ['/mqtt', 'mqtt'],
    ['/mqtt-ssl', 'mqttv3.1'],
    ['/mqtt', 'mqttv3.1'],
    ['/mqtt-ssl', 'mqtt'],
  ]) {
    const device = await plainDevice(t, cloud, 'dev-1', {
      url: `wss://127.0.0.1:${cloud.https}${path}`,
      createWebsocket: url => open(cloud, url, protocol ?? ''),
    })
    assert.equal((await device.command('diag.ping')).success, true)
    await cloud.heard({ topic: 'websocket', contains: `${path} ${protocol}` })
    await device.client.endAsync()
  }
})

function open(cloud: LocalCloud, url: string, protocol: string): WebSocket {
  return new WebSocket(url, protocol, { ca: readFileSync(cloud.ca) })
}

test('sends whole binary frames and no pings, and takes several packets in one frame', async t => {
  const cloud = await startCloud(t)
  const socket = open(cloud, `wss://127.0.0.1:${cloud.https}/mqtt`, 'mqtt')
  t.after(() => socket.terminate())
  await new Promise(resolve => socket.once('open', resolve))
  assert.equal(socket.protocol, 'mqtt')
  let pings = 0
  socket.on('ping', () => pings++)
  const packets: string[] = []
  const replied = new Promise<void>(resolve => {
    const reader = parser()
    reader.on('packet', packet => {
      packets.push(packet.cmd)
      if (packet.cmd === 'publish') resolve()
    })
    socket.on('message', (data, isBinary) => {
      assert.equal(isBinary, true)
      assert.ok(Buffer.isBuffer(data))
      reader.parse(data)
    })
  })
  const login = { clientId: 'dev-1', username: 'dev-1', password: Buffer.from(cloud.token) }
  const payload = '{"1":{"command":"diag.ping"}}'
  socket.send(
    Buffer.concat([
      generate({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clean: true, keepalive: 60, ...login }),
      generate({ cmd: 'publish', topic: 'api/1', payload, qos: 1, messageId: 1, dup: false, retain: false }),
    ]),
  )
  await replied
  assert.deepEqual(packets, ['connack', 'puback', 'publish'])
  assert.equal(pings, 0)
})

test('refuses an upgrade by a fault, and one of an unknown path', async t => {
  const cloud = await startCloud(t)
  const statusOf = (path: string) =>
    new Promise<number>((resolve, reject) => {
      const socket = open(cloud, `wss://127.0.0.1:${cloud.https}${path}`, 'mqtt')
      socket.once('unexpected-response', (_, response) => resolve(response.statusCode ?? 0))
      socket.once('open', () => resolve(101))
      socket.once('error', reject)
      t.after(() => socket.terminate())
    })
  await cloud.fault('refuseWebSocket', { status: 407, times: 1 })
  assert.deepEqual([await statusOf('/mqtt'), await statusOf('/mqtt'), await statusOf('/nothing')], [407, 101, 404])
})
