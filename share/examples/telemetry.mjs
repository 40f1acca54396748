// SPDX-License-Identifier: Apache-2.0
// Publishes two numbers, a text and an alarm about this machine, until it gets a signal to stop.
//
//   device-cloud config generate -f telemetry-example-connect.cfg     (once: host, port and token of your cloud)
//   device-cloud run telemetry.mjs                                    (or, with Node and the npm package: node telemetry.mjs)
//
// Settings come from telemetry-example-connect.cfg in the current folder; another folder can be given as an argument.
// The device id is made there at the first start. Applications of one device share the folder, and so the device id.
import { freemem, hostname, loadavg } from 'node:os'
import { Client } from 'device-cloud'

const client = new Client('telemetry-example', { configDir: process.argv[2] ?? '.' })

// The connection is kept up by itself. These events only report what happens to it; no listener is needed.
client.on('connected', () => console.log('connected as', client.thingKey))
client.on('disconnected', reason => console.log('disconnected:', reason.message))
client.on('rejected', reason => console.error('the cloud refuses the login:', reason.message, reason.remedy))

// Samples may be published before there is a connection: they wait, with the time at which they were taken.
await client.attributes.publish('hostname', hostname())

let isLow = false
const sample = async () => {
  const freeMb = freemem() / 1024 / 1024
  await client.telemetry.publish('load', loadavg()[0])
  await client.telemetry.publish('memory_free_mb', Math.round(freeMb))
  if (isLow !== freeMb < 50) {
    isLow = !isLow
    await client.alarms.publish('memory', isLow ? 1 : 0, { message: `${Math.round(freeMb)} MB free` })
  }
}
// publish() rejects only for what is wrong in the program (a bad name, a closed client) or when the queue is full.
const timer = setInterval(() => sample().catch(error => console.error('not published:', error.message)), 5_000)

let isStopping = false
const stop = async () => {
  if (isStopping) return
  isStopping = true
  clearInterval(timer)
  // Sends what still waits, for at most ten seconds.
  const isAllSent = await client.disconnect({ waitForReplies: true, timeoutMs: 10_000 })
  console.log(isAllSent ? 'everything was delivered' : 'some samples were not delivered')
}
process.on('SIGTERM', stop)
process.on('SIGINT', stop)

await client.connect().catch(error => {
  if (isStopping) return
  console.error(error.message)
  process.exit(error.exitCode ?? 1)
})
// A receipt knows when the cloud itself has the sample.
if (!isStopping) {
  const receipt = await client.events.publish('telemetry example started')
  receipt.delivered({ timeoutMs: 60_000 }).then(
    () => console.log('the cloud has our first event'),
    error => console.error('the first event was not delivered:', error.message),
  )
  await sample()
}
