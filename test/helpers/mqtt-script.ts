// SPDX-License-Identifier: Apache-2.0
import type { Socket } from 'node:net'
import type { TestContext } from 'node:test'
import mqttPacket, { type IConnackPacket, type Packet } from 'mqtt-packet'
import { type TestServer, tcpServer } from './test-servers.ts'

/** One connection of a scripted MQTT server. */
export interface ScriptedConnection {
  readonly socket: Socket
  send(...packets: readonly Packet[]): void
}

export interface ScriptedServer extends TestServer {
  /** Everything that clients sent, in order. */
  readonly received: Packet[]
  /** Resolves with the next packet of that kind, or one that came before and was not taken yet. */
  take<Cmd extends Packet['cmd']>(cmd: Cmd): Promise<Extract<Packet, { cmd: Cmd }>>
}

/** Answers one packet; what it does not answer stays unanswered. */
export type Script = (packet: Packet, connection: ScriptedConnection) => void

export const connack: IConnackPacket = { cmd: 'connack', returnCode: 0, sessionPresent: false }

/** Answers CONNECT, PINGREQ and PUBLISH as a healthy server does. */
export const healthy: Script = (packet, { send, socket }) => {
  if (packet.cmd === 'connect') send(connack)
  if (packet.cmd === 'pingreq') send({ cmd: 'pingresp' })
  if (packet.cmd === 'publish' && packet.messageId !== undefined) send({ cmd: 'puback', messageId: packet.messageId })
  if (packet.cmd === 'disconnect') socket.end()
}

/** An MQTT server that does exactly what a test says, right or wrong. */
export async function scriptedServer(t: TestContext, script: Script, port = 0): Promise<ScriptedServer> {
  const received: Packet[] = []
  const fresh: Packet[] = []
  let wake: () => void = () => {}
  const server = await tcpServer(
    t,
    socket => {
      const parser = mqttPacket.parser({ protocolVersion: 4 })
      const send = (...packets: readonly Packet[]) =>
        void socket.write(Buffer.concat(packets.map(packet => mqttPacket.generate(packet))))
      parser.on('packet', packet => {
        received.push(packet)
        fresh.push(packet)
        script(packet, { socket, send })
        wake()
      })
      socket.on('data', data => parser.parse(data))
    },
    '127.0.0.1',
    port,
  )
  const take = async <Cmd extends Packet['cmd']>(cmd: Cmd): Promise<Extract<Packet, { cmd: Cmd }>> => {
    for (;;) {
      const index = fresh.findIndex(packet => packet.cmd === cmd)
      const [found] = index < 0 ? [] : fresh.splice(index, 1)
      if (found !== undefined) return found as Extract<Packet, { cmd: Cmd }>
      await new Promise<void>(resolve => {
        wake = resolve
      })
    }
  }
  return { ...server, received, take }
}
