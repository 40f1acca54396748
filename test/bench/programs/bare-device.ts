/**
 * The floor to measure against: what a device would be with mqtt.js alone. No outbox, no checks, no retries.
 * `node bare-device.cjs HOST PORT CA THING_KEY TOKEN`; answers every mail, prints "connected" when it is.
 */
import { readFileSync } from 'node:fs'
import mqtt from 'mqtt'
import { writeToStream } from 'mqtt-packet'

writeToStream.cacheNumbers = false
const [host = '', port = '', ca = '', thingKey = '', token = ''] = process.argv.slice(2)
const client = mqtt.connect({
  protocol: 'mqtts',
  host,
  port: Number(port),
  ca: readFileSync(ca),
  clientId: thingKey,
  username: thingKey,
  password: token,
})
let number = 0
const send = (command: object) => client.publish(`api/${++number}`, JSON.stringify({ 1: command }), { qos: 1 })
client.on('connect', () => {
  client.stream.setNoDelay?.(true)
  console.log('connected')
})
client.on('message', (topic, payload) => {
  if (topic === 'notify/mailbox_activity') send({ command: 'mailbox.check', params: { autoComplete: false } })
  for (const mail of JSON.parse(payload.toString())[1]?.params?.messages ?? []) {
    send({ command: 'mailbox.ack', params: { id: mail.id, errorCode: 0, errorMessage: '', params: { response: 'acknowledged' } } })
  }
})
