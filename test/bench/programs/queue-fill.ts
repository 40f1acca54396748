// SPDX-License-Identifier: Apache-2.0
/** Fills the outbox without a link: `queue-fill CONFIG_DIR COUNT GROUP`; GROUP samples are published at a time. Prints the rate. */
import { Client } from '../../../src/index.ts'

const [configDir = '.', count = '0', group = '1'] = process.argv.slice(2)
const quiet = { error: console.error, warn() {}, info() {}, debug() {} }
const client = new Client('bench', { configDir, logger: quiet })
await client.open()
const startMs = performance.now()
for (let at = 0; at < Number(count); ) {
  const puts: Promise<unknown>[] = []
  for (let one = 0; one < Number(group); one++) puts.push(client.telemetry.publish('bench', at++))
  await Promise.all(puts)
}
const perSecond = Number(count) / ((performance.now() - startMs) / 1000)
await client.disconnect()
console.log(JSON.stringify({ perSecond }))
