// SPDX-License-Identifier: Apache-2.0
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { median } from '../measure.ts'
import type { Scene } from '../scene.ts'
import type { Row } from '../table.ts'

const queued = 1_000_000
const group = 1000
const always = 200_000
const healthy = 300_000
const runs = 3
const pairs = 9
const goalAlwaysPerSecond = 30_000
const goalSpillRatio = 0.95
/** Its segments have files and places in memory, whatever lies in them. */
const maxBacklogMb = 7
const largeQueue = 512 * 1024 * 1024

interface Rate {
  readonly perSecond: number
}
interface Drained extends Rate {
  readonly waiting: number
  readonly openMs: number
  readonly openMb: number
  readonly maxMb: number
}

const thousands = (perSecond: number) => `${Math.round(perSecond / 1000)} k/s`

/** The outbox on flash: a million samples that waited, each sample on the disk, and nothing on it while all is well. */
export async function queue(scene: Scene): Promise<Row[]> {
  return [...(await backlog(scene)), await everySample(scene), await spillAgainstMemory(scene)]
}

async function backlog(scene: Scene): Promise<Row[]> {
  const [fill, drain, bare] = [
    await scene.bundle('test/bench/programs/queue-fill.ts'),
    await scene.bundle('test/bench/programs/queue-drain.ts'),
    await scene.bundle('test/bench/programs/bare-samples.ts'),
  ]
  const { dir } = scene.device('bench', { queue: { durability: 'always', max_bytes: largeQueue } })
  await scene.run<Rate>(fill, [dir, String(queued), String(group)])
  const drained = await scene.run<Drained>(drain, [dir])
  const empty = await scene.run<Drained>(drain, [scene.device('bench').dir])
  const floor = await scene.run<Rate>(bare, [...scene.bareArgs('bench-bare-queue'), '0', String(queued)])
  if (drained.waiting !== queued) throw new Error(`${drained.waiting} of ${queued} samples were waiting`)
  return [
    {
      what: `${queued / 1e6} M samples waiting on flash: open`,
      ours: `${Math.round(drained.openMs)} ms, ${drained.openMb.toFixed(1)} MB`,
      floor: `none waiting: ${Math.round(empty.openMs)} ms, ${empty.openMb.toFixed(1)} MB`,
      goal: `≤ ${maxBacklogMb} MB more`,
      met: drained.openMb - empty.openMb <= maxBacklogMb,
    },
    {
      what: `${queued / 1e6} M samples waiting on flash: worked off, memory at most ${drained.maxMb.toFixed(0)} MB`,
      ours: thousands(drained.perSecond),
      floor: `${thousands(floor.perSecond)} (ready-made batches)`,
      ratio: drained.perSecond / floor.perSecond,
      goal: '',
      met: true,
    },
  ]
}

async function everySample(scene: Scene): Promise<Row> {
  const fill = await scene.bundle('test/bench/programs/queue-fill.ts')
  const bare = await scene.bundle('test/bench/programs/bare-append.ts')
  const rates = { ours: [] as number[], bare: [] as number[] }
  for (let run = 0; run < runs; run++) {
    const { dir } = scene.device('bench', { queue: { durability: 'always', max_bytes: largeQueue } })
    rates.ours.push((await scene.run<Rate>(fill, [dir, String(always), String(group)])).perSecond)
    const path = join(scene.folder, 'append.bin')
    rates.bare.push((await scene.run<Rate>(bare, [path, String(always), String(group)])).perSecond)
    rmSync(path)
  }
  const [ours, floor] = [median(rates.ours), median(rates.bare)]
  return {
    what: `durability always: ${always / 1000} k samples on the disk, ${group} at a time`,
    ours: thousands(ours),
    floor: `${thousands(floor)} (append and fdatasync)`,
    ratio: ours / floor,
    goal: `≥ ${goalAlwaysPerSecond / 1000} k/s`,
    met: ours >= goalAlwaysPerSecond,
  }
}

/** In pairs, one right behind the other: the machine itself changes by more than what is looked for. */
async function spillAgainstMemory(scene: Scene): Promise<Row> {
  const script = await scene.bundle('test/bench/programs/agent-samples.ts')
  const rates = { spill: [] as number[], memory: [] as number[] }
  for (let run = 0; run < pairs; run++) {
    for (const durability of run % 2 === 0 ? (['memory', 'spill'] as const) : (['spill', 'memory'] as const)) {
      const { dir } = scene.device('bench', { queue: { durability } })
      rates[durability].push((await scene.run<Rate>(script, [dir, 'bench', '10', String(healthy)])).perSecond)
    }
  }
  const ratio = median(rates.spill.map((rate, run) => rate / (rates.memory[run] ?? 0)))
  return {
    what: 'durability spill while the cloud answers',
    ours: thousands(median(rates.spill)),
    floor: `${thousands(median(rates.memory))} (durability memory)`,
    ratio,
    goal: `≥ ${goalSpillRatio} ×`,
    met: ratio >= goalSpillRatio,
  }
}
