// SPDX-License-Identifier: Apache-2.0
/**
 * The floor to measure against: what a device would be with mqtt.js alone. No outbox, no checks, no retries.
 * Answers every mail; prints `connected` when it is. With JOURNAL behind the arguments of the others it also does the two
 * forced writes without which a power cut repeats an action: before it runs, and before it is answered.
 */
import { open } from 'node:fs/promises'
import { bareClient } from './bare-client.ts'

const { client, send } = bareClient()
const path = process.argv[7]
const journal = path === undefined ? undefined : await open(path, 'a')
const record = async (step: object) => {
  await journal?.write(`${JSON.stringify(step)}\n`)
  await journal?.datasync()
}
client.on('connect', () => console.log('connected'))
client.on('message', async (topic, payload) => {
  if (topic === 'notify/mailbox_activity') send({ command: 'mailbox.check', params: { autoComplete: false } })
  for (const mail of JSON.parse(payload.toString())[1]?.params?.messages ?? []) {
    if (journal !== undefined) await record({ start: mail })
    const params = { response: 'acknowledged' }
    if (journal !== undefined) await record({ finish: mail.id, params })
    send({ command: 'mailbox.ack', params: { id: mail.id, errorCode: 0, errorMessage: '', params } })
  }
})
