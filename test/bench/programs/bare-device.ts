/**
 * The floor to measure against: what a device would be with mqtt.js alone. No outbox, no checks, no retries.
 * Answers every mail; prints `connected` when it is.
 */
import { bareClient } from './bare-client.ts'

const { client, send } = bareClient()
client.on('connect', () => console.log('connected'))
client.on('message', (topic, payload) => {
  if (topic === 'notify/mailbox_activity') send({ command: 'mailbox.check', params: { autoComplete: false } })
  for (const mail of JSON.parse(payload.toString())[1]?.params?.messages ?? []) {
    const params = { response: 'acknowledged' }
    send({ command: 'mailbox.ack', params: { id: mail.id, errorCode: 0, errorMessage: '', params } })
  }
})
