// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'
import { median } from '../measure.ts'
import type { Scene } from '../scene.ts'
import type { Row } from '../table.ts'

const rounds = 400
const warmUp = 100
const goalRatio = 1.5
const goalMs = 10

/**
 * An operator's `method.exec` over HTTPS until its answer, device and operator on this machine, over TLS. An action that must
 * not run twice stands beside a bare program, and beside one that does the same two forced writes; `ping` needs none.
 */
export async function roundTrip(scene: Scene): Promise<Row[]> {
  const [bareScript, agentScript] = [
    await scene.bundle('test/bench/programs/bare-device.ts'),
    await scene.bundle('test/bench/programs/agent-device.ts'),
  ]
  const journal = join(scene.folder, 'bare.journal')
  const device = scene.device('bench')
  const children = [
    await scene.connect(bareScript, scene.bareArgs('bench-bare')),
    await scene.connect(bareScript, [...scene.bareArgs('bench-bare-forced'), journal]),
    await scene.connect(agentScript, [device.dir, 'bench']),
  ]
  const timesMs = { bare: [] as number[], forced: [] as number[], work: [] as number[], ping: [] as number[] }
  // In turn, so that whatever else the machine does hits all alike.
  for (let round = 0; round < rounds; round++) {
    timesMs.bare.push(await once(scene, 'bench-bare', 'ping'))
    timesMs.work.push(await once(scene, device.thingKey, 'work'))
    timesMs.forced.push(await once(scene, 'bench-bare-forced', 'work'))
    timesMs.ping.push(await once(scene, device.thingKey, 'ping'))
  }
  for (const { child } of children) await scene.stop(child)
  // The first ones warm up the compilers of all processes.
  const after = (times: readonly number[]) => median(times.slice(warmUp))
  const bare = after(timesMs.bare)
  const forced = after(timesMs.forced)
  return [
    row('action: exec → acknowledged, loopback TLS', after(timesMs.work), bare, ''),
    row('the same, beside its two forced writes', after(timesMs.work), forced, ' (and two forced writes)'),
    row('`ping` and other actions that may run twice', after(timesMs.ping), bare, ''),
  ]
}

async function once(scene: Scene, thingKey: string, method: string): Promise<number> {
  const startMs = performance.now()
  const reply = await scene.cloud.exec(thingKey, method)
  if (!reply.success) throw new Error(`${method} of ${thingKey}: ${reply.errorMessages}`)
  return performance.now() - startMs
}

function row(what: string, oursMs: number, floorMs: number, floorWith: string): Row {
  const ratio = oursMs / floorMs
  return {
    what,
    ours: `${oursMs.toFixed(1)} ms`,
    floor: `${floorMs.toFixed(1)} ms${floorWith}`,
    ratio,
    goal: `≤ ${goalRatio} ×, < ${goalMs} ms`,
    met: ratio <= goalRatio && oursMs < goalMs,
  }
}
