// SPDX-License-Identifier: Apache-2.0
import { anonymousMegabytes, median } from '../measure.ts'
import type { Scene } from '../scene.ts'
import type { Row } from '../table.ts'

const runs = 9
const memoryRuns = 3
const idleMs = 8000
const goalStartRatio = 1.5
const goalMemoryRatio = 1.25

/** From the start of the process to the connection, and what an idle process holds. */
export async function start(scene: Scene): Promise<Row[]> {
  const bareScript = await scene.bundle('test/bench/programs/bare-device.ts')
  const agentScript = await scene.bundle('test/bench/programs/agent-device.ts')
  const { dir } = scene.device('bench')
  const kinds = {
    bare: () => scene.connect(bareScript, scene.bareArgs('bench-bare-start')),
    agent: () => scene.connect(agentScript, [dir, 'bench']),
  }
  const ms = { bare: [] as number[], agent: [] as number[] }
  const mb = { bare: [] as number[], agent: [] as number[] }
  for (let run = 0; run < runs; run++) {
    for (const kind of ['bare', 'agent'] as const) {
      const started = await kinds[kind]()
      ms[kind].push(started.ms)
      if (run < memoryRuns) {
        await new Promise(resolve => setTimeout(resolve, idleMs))
        mb[kind].push(anonymousMegabytes(started.child.pid ?? 0))
      }
      await scene.stop(started.child)
    }
  }
  const startRatio = median(ms.agent) / median(ms.bare)
  const memoryRatio = median(mb.agent) / median(mb.bare)
  return [
    {
      what: 'process start → connected over TLS',
      ours: `${Math.round(median(ms.agent))} ms`,
      floor: `${Math.round(median(ms.bare))} ms`,
      ratio: startRatio,
      goal: `≤ ${goalStartRatio} ×`,
      met: startRatio <= goalStartRatio,
    },
    {
      what: 'idle and connected: RssAnon',
      ours: `${median(mb.agent).toFixed(1)} MB`,
      floor: `${median(mb.bare).toFixed(1)} MB`,
      ratio: memoryRatio,
      goal: `≤ ${goalMemoryRatio} ×`,
      met: memoryRatio <= goalMemoryRatio,
    },
  ]
}
