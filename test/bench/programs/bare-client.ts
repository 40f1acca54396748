// SPDX-License-Identifier: Apache-2.0
/** mqtt.js as its documentation shows it; TCP_NODELAY and no cache of numbers, as the agent has it. */
import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import mqtt from 'mqtt'
import { writeToStream } from 'mqtt-packet'

/** Connects by the arguments HOST PORT CA THING_KEY TOKEN. */
export function bareClient() {
  const [host = '', port = '', ca = '', thingKey = '', token = ''] = process.argv.slice(2)
  writeToStream.cacheNumbers = false
  const login = { clientId: thingKey, username: thingKey, password: token }
  const client = mqtt.connect({ protocol: 'mqtts', host, port: Number(port), ca: readFileSync(ca), ...login })
  client.on('connect', () => (client.stream as unknown as Socket).setNoDelay(true))
  let number = 0
  const send = (command: object) => {
    const suffix = String(++number).padStart(4, '0')
    client.publish(`api/${suffix}`, JSON.stringify({ 1: command }), { qos: 1 })
    return `reply/${suffix}`
  }
  /** Sends a command and waits for its reply. */
  const ask = (command: object) =>
    new Promise<void>(resolve => {
      const topic = send(command)
      const onMessage = (heard: string) => {
        if (heard !== topic) return
        client.off('message', onMessage)
        resolve()
      }
      client.on('message', onMessage)
    })
  return { client, send, ask, thingKey }
}
