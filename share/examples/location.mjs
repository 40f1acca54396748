// SPDX-License-Identifier: Apache-2.0
// Publishes a position every few seconds: a boat that sails in a circle. Put your GPS in the place of nextPosition().
//
//   device-cloud config generate -f location-example-connect.cfg     (once: host, port and token of your cloud)
//   device-cloud run location.mjs                                    (or, with Node and the npm package: node location.mjs)
//
// Settings come from location-example-connect.cfg in the current folder; another folder can be given as an argument.
import { Client } from 'device-cloud'

const client = new Client('location-example', { configDir: process.argv[2] ?? '.' })
client.on('connected', () => console.log('connected as', client.thingKey))

let angle = 0
const nextPosition = () => {
  angle = (angle + 10) % 360
  const radians = (angle * Math.PI) / 180
  return {
    latitude: 54.35 + 0.01 * Math.cos(radians),
    longitude: 10.15 + 0.01 * Math.sin(radians),
    heading: (angle + 90) % 360,
    speed: 4.2,
    accuracy: 5,
    fixType: 'gps',
    // When the fix was made, if it was not just now: a Date, milliseconds since 1970, or text such as 2024-03-05T10:11:12Z.
    timestamp: new Date(),
  }
}

const report = async () => {
  await client.location.publish(nextPosition())
}
const timer = setInterval(() => report().catch(error => console.error('not published:', error.message)), 5_000)

let isStopping = false
const stop = async () => {
  if (isStopping) return
  isStopping = true
  clearInterval(timer)
  await client.disconnect({ waitForReplies: true, timeoutMs: 10_000 })
  console.log('stopped')
}
process.on('SIGTERM', stop)
process.on('SIGINT', stop)

await report()
await client.connect().catch(error => {
  if (isStopping) return
  console.error(error.message)
  process.exit(error.exitCode ?? 1)
})
