// SPDX-License-Identifier: Apache-2.0
/**
 * The library and samples: `agent-samples CONFIG_DIR APP_ID SINGLES BATCHED`. The same as bare-samples, through outbox and receipts.
 */
import { Client } from '../../../src/index.ts'
import { median } from '../measure.ts'

const [configDir = '.', appId = 'bench'] = process.argv.slice(2)
const [singles = 0, batched = 0] = process.argv.slice(4).map(Number)
const quiet = { error: console.error, warn: console.error, info() {}, debug() {} }
const client = new Client(appId, { configDir, logger: quiet })
await client.connect()
const tripsMs: number[] = []
for (let at = 0; at < singles; at++) {
  const startMs = performance.now()
  const receipt = await client.telemetry.publish('bench', at)
  await receipt.delivered()
  tripsMs.push(performance.now() - startMs)
}
const startMs = performance.now()
/** As many may be without an answer; an application that never waits would fill the outbox. */
const window = 5000
const receipts: Awaited<ReturnType<typeof client.telemetry.publish>>[] = []
for (let at = 0; at < batched; at++) {
  receipts[at % window] = await client.telemetry.publish('bench', at)
  if (at % 1000 === 999) await receipts[(at + 1) % window]?.delivered()
}
await receipts[(batched - 1) % window]?.delivered()
const perSecond = batched / ((performance.now() - startMs) / 1000)
console.log(JSON.stringify({ tripMs: median(tripsMs), perSecond }))
await client.disconnect()
