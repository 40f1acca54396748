// SPDX-License-Identifier: Apache-2.0
import { createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import mqttPacket, { type IPublishPacket } from 'mqtt-packet'
import { listen } from './test-servers.ts'

export interface FarEnd {
  readonly port: number
  readonly connects: () => number
  readonly requests: () => number
}

/**
 * The least that a device takes for a cloud, and remembers nothing: every command succeeds. Of each session the
 * `endsAfter`-th request is its last: by turns it is answered first, or not at all.
 */
export async function farEnd(t: TestContext, endsAfter: number): Promise<FarEnd> {
  let connects = 0
  let requests = 0
  const server = createServer({ noDelay: true }, socket => {
    const isPolite = connects++ % 2 === 0
    let left = endsAfter
    const parser = mqttPacket.parser({ protocolVersion: 4 })
    parser.on('packet', packet => {
      if (packet.cmd === 'connect')
        socket.write(mqttPacket.generate({ cmd: 'connack', returnCode: 0, sessionPresent: false }))
      if (packet.cmd === 'pingreq') socket.write(mqttPacket.generate({ cmd: 'pingresp' }))
      if (packet.cmd !== 'publish') return
      requests++
      left--
      if (left > 0 || isPolite) answer(socket, packet)
      if (left <= 0) socket.end()
    })
    socket.on('error', () => {})
    socket.on('data', data => parser.parse(data))
  })
  const { port } = await listen(t, server)
  return { port, connects: () => connects, requests: () => requests }
}

function answer(socket: Socket, { topic, payload, messageId }: IPublishPacket): void {
  const commands: unknown = JSON.parse(payload.toString())
  const ids = typeof commands === 'object' && commands !== null ? Object.keys(commands) : []
  const reply = JSON.stringify(Object.fromEntries(ids.map(id => [id, { success: true, params: {} }])))
  const puback = messageId === undefined ? [] : [mqttPacket.generate({ cmd: 'puback', messageId })]
  const published = mqttPacket.generate({
    cmd: 'publish',
    topic: topic.replace('api/', 'reply/'),
    payload: reply,
    qos: 0,
    dup: false,
    retain: false,
  })
  socket.write(Buffer.concat([...puback, published]))
}
