// SPDX-License-Identifier: Apache-2.0
/**
 * The floor for samples: `bare-samples HOST PORT CA THING_KEY TOKEN SINGLES BATCHED`.
 * SINGLES samples one after the other, each waiting for its reply; then BATCHED samples in batches of 1000. Prints JSON.
 */
import { median } from '../measure.ts'
import { bareClient } from './bare-client.ts'

const { client, ask, thingKey } = bareClient()
const [singles = 0, batched = 0] = process.argv.slice(7).map(Number)
const batchItems = 1000
const batch = (items: number) => ({
  command: 'property.batch',
  params: {
    thingKey,
    data: Array.from({ length: items }, (_, at) => ({ key: 'bench', value: at, ts: new Date().toISOString() })),
  },
})

client.once('connect', async () => {
  const tripsMs: number[] = []
  for (let at = 0; at < singles; at++) {
    const startMs = performance.now()
    await ask(batch(1))
    tripsMs.push(performance.now() - startMs)
  }
  const startMs = performance.now()
  for (let at = 0; at < batched; at += batchItems) await ask(batch(batchItems))
  const perSecond = batched / ((performance.now() - startMs) / 1000)
  console.log(JSON.stringify({ tripMs: median(tripsMs), perSecond }))
  client.end()
})
