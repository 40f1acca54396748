// SPDX-License-Identifier: Apache-2.0
/** Takes over a full outbox and works it off: `queue-drain CONFIG_DIR`. Prints how long the opening took, the rate, and the memory. */
import { Client } from '../../../src/index.ts'
import { anonymousMegabytes } from '../measure.ts'

const [configDir = '.'] = process.argv.slice(2)
const quiet = { error: console.error, warn: console.error, info() {}, debug() {} }
const client = new Client('bench', { configDir, logger: quiet })
const beforeMb = anonymousMegabytes('self')
const startMs = performance.now()
await client.open()
const openMs = performance.now() - startMs
const openMb = anonymousMegabytes('self') - beforeMb
const waiting = client.status().outbox?.waiting ?? 0
await client.connect()
const drainMs = performance.now()
let maxMb = 0
while ((client.status().outbox?.waiting ?? 0) > 0) {
  maxMb = Math.max(maxMb, anonymousMegabytes('self'))
  await new Promise(resolve => setTimeout(resolve, 20))
}
const perSecond = waiting / ((performance.now() - drainMs) / 1000)
await client.disconnect()
console.log(JSON.stringify({ waiting, openMs, openMb, perSecond, maxMb }))
