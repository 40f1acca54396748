import { median } from '../measure.ts'
import type { Scene } from '../scene.ts'
import type { Row } from '../table.ts'

const rounds = 400
const goalRatio = 1.5
const goalMs = 10

/** An operator's `method.exec` over HTTPS until its answer, device and operator on this machine, over TLS. */
export async function roundTrip(scene: Scene): Promise<Row[]> {
  const [bareScript, agentScript] = [
    await scene.bundle('test/bench/programs/bare-device.ts'),
    await scene.bundle('test/bench/programs/agent-device.ts'),
  ]
  const bareKey = 'bench-bare'
  const bare = await scene.connect(bareScript, scene.bareArgs(bareKey))
  const device = scene.device('bench')
  const agent = await scene.connect(agentScript, [device.dir, 'bench'])
  const once = async (thingKey: string) => {
    const startMs = performance.now()
    const reply = await scene.cloud.exec(thingKey, 'ping')
    if (!reply.success) throw new Error(`ping of ${thingKey}: ${reply.errorMessages}`)
    return performance.now() - startMs
  }
  // In turn, so that whatever else the machine does hits both alike.
  const times = { bare: [] as number[], agent: [] as number[] }
  for (let round = 0; round < rounds; round++) {
    times.bare.push(await once(bareKey))
    times.agent.push(await once(device.thingKey))
  }
  await scene.stop(bare.child)
  await scene.stop(agent.child)
  // The first ones warm up the compilers of all processes.
  const [bareMs, agentMs] = [median(times.bare.slice(100)), median(times.agent.slice(100))]
  const ratio = agentMs / bareMs
  return [
    {
      what: 'action: exec → acknowledged, loopback TLS',
      ours: `${agentMs.toFixed(1)} ms`,
      floor: `${bareMs.toFixed(1)} ms`,
      ratio,
      goal: `≤ ${goalRatio} ×, < ${goalMs} ms`,
      met: ratio <= goalRatio && agentMs < goalMs,
    },
  ]
}
