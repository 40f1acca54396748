// SPDX-License-Identifier: Apache-2.0
import type { Socket } from 'node:net'
import type { TestContext } from 'node:test'
import type { Packet } from 'mqtt-packet'
import { Client } from '../../src/index.ts'
import { newDevice } from './client-scene.ts'
import { memoryLog } from './memory-log.ts'
import { connack, type ScriptedConnection, scriptedServer } from './mqtt-script.ts'

/** What a device said about a mail. */
export interface Ack {
  readonly id: string
  readonly errorCode: number
  readonly errorMessage?: string
  readonly params?: object
}

export interface HostileCloud {
  readonly port: number
  /** Texts of mailbox pages (the JSON of `messages`), one for each check; then there is no mail. */
  readonly pages: string[]
  readonly acks: Ack[]
  /** How many commands of each name came. */
  readonly commands: ReadonlyMap<string, number>
  /** How many sessions were begun. */
  readonly sessions: () => number
  /** Tells the device that there is mail. */
  notify(): void
  /** The connection of the present session. */
  socket(): Socket
}

/**
 * A cloud that grants every command, and says about mail exactly what a test says: also what no cloud would put together,
 * such as parameters that JSON.stringify cannot follow.
 */
export async function hostileCloud(t: TestContext): Promise<HostileCloud> {
  const pages: string[] = []
  const acks: Ack[] = []
  const commands = new Map<string, number>()
  let sessions = 0
  let present: ScriptedConnection | undefined
  const publish = (topic: string, payload: string): Packet => ({
    cmd: 'publish',
    topic,
    payload: Buffer.from(payload),
    qos: 0,
    dup: false,
    retain: false,
  })
  const server = await scriptedServer(t, (packet, connection) => {
    const { send, socket } = connection
    if (packet.cmd === 'connect') {
      sessions++
      present = connection
      send(connack)
    }
    if (packet.cmd === 'pingreq') send({ cmd: 'pingresp' })
    if (packet.cmd === 'disconnect') socket.end()
    if (packet.cmd !== 'publish') return
    if (packet.messageId !== undefined) send({ cmd: 'puback', messageId: packet.messageId })
    const asked: [string, { command: string; params: Ack }][] = Object.entries(JSON.parse(packet.payload.toString()))
    const answers = asked.map(([id, { command, params }]) => {
      commands.set(command, (commands.get(command) ?? 0) + 1)
      if (command === 'mailbox.ack') acks.push(params)
      const result = command === 'mailbox.check' ? `,"params":{"messages":${pages.shift() ?? '[]'}}` : ''
      return `"${id}":{"success":true${result}}`
    })
    send(publish(packet.topic.replace('api/', 'reply/'), `{${answers.join(',')}}`))
  })
  return {
    port: server.port,
    pages,
    acks,
    commands,
    sessions: () => sessions,
    notify: () => present?.send(publish('notify/mailbox_activity', '{}')),
    socket: () => {
      if (present === undefined) throw new Error('no device is connected')
      return present.socket
    },
  }
}

/** The JSON of a mail; `params` is JSON text, whatever it is. */
export function mailText(id: string, method: string, params = '{}'): string {
  return `{"id":"${id}","thingKey":"K","command":"method.exec","params":{"method":"${method}","params":${params}}}`
}

/** A device at a {@link hostileCloud}; it goes with the test. */
export async function deviceAt(
  t: TestContext,
  cloud: HostileCloud,
  before: (client: Client) => void,
  configDir = newDevice(t),
) {
  const { log, text } = memoryLog()
  const client = new Client('app', {
    configDir,
    logger: log,
    settings: { cloud: { host: '127.0.0.1', port: cloud.port, transport: 'mqtt', token: 't' } },
  })
  t.after(() => client.disconnect({ timeoutMs: 1_000 }))
  before(client)
  await client.connect({ timeoutMs: 20_000 })
  return { client, configDir, log: text }
}
