// SPDX-License-Identifier: Apache-2.0
import { median } from '../measure.ts'
import type { Scene } from '../scene.ts'
import type { Row } from '../table.ts'

const singles = 500
const batched = 500_000
const runs = 3
const goalRatio = 2
const goalPerSecond = 100_000

interface Printed {
  readonly tripMs: number
  readonly perSecond: number
}

/** One sample at a time until the cloud has answered, and as many as the machine takes. */
export async function samples(scene: Scene): Promise<Row[]> {
  const bareScript = await scene.bundle('test/bench/programs/bare-samples.ts')
  const agentScript = await scene.bundle('test/bench/programs/agent-samples.ts')
  const counts = [String(singles), String(batched)]
  const printed = { bare: [] as Printed[], agent: [] as Printed[] }
  for (let run = 0; run < runs; run++) {
    printed.bare.push(await scene.run<Printed>(bareScript, [...scene.bareArgs(`bench-bare-samples${run}`), ...counts]))
    const device = scene.device('bench')
    printed.agent.push(await scene.run<Printed>(agentScript, [device.dir, 'bench', ...counts]))
  }
  const trip = (of: readonly Printed[]) => median(of.map(one => one.tripMs))
  const rate = (of: readonly Printed[]) => median(of.map(one => one.perSecond))
  const tripRatio = trip(printed.agent) / trip(printed.bare)
  const thousands = (perSecond: number) => `${Math.round(perSecond / 1000)} k/s`
  return [
    {
      what: 'one sample: publish → delivered',
      ours: `${trip(printed.agent).toFixed(2)} ms`,
      floor: `${trip(printed.bare).toFixed(2)} ms`,
      ratio: tripRatio,
      goal: `≤ ${goalRatio} ×`,
      met: tripRatio <= goalRatio,
    },
    {
      what: `${batched / 1000} k samples, one publish each, outbox and receipts included`,
      ours: thousands(rate(printed.agent)),
      floor: `${thousands(rate(printed.bare))} (ready-made batches)`,
      ratio: rate(printed.agent) / rate(printed.bare),
      goal: `≥ ${goalPerSecond / 1000} k/s`,
      met: rate(printed.agent) >= goalPerSecond,
    },
  ]
}
