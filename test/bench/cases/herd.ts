// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Scene } from '../scene.ts'
import type { Row } from '../table.ts'

const agents = 1000
const processes = 4
const downMs = 20_000
const longestMs = 120_000
const goal = 3

/** A thousand agents and one cloud that is killed, away for 20 s, and back: how many connect in each second, over TCP and over TLS. */
export async function herd(scene: Scene): Promise<Row[]> {
  const script = await scene.bundle('test/bench/programs/herd.ts')
  const { mqtt, mqtts, ca } = scene.cloud
  return [
    await comeBack(scene, script, 'TCP', [String(mqtt)]),
    await comeBack(scene, script, 'TLS', [String(mqtts), ca]),
  ]
}

async function comeBack(scene: Scene, script: string, way: string, [port = '', ...ca]: string[]): Promise<Row> {
  let ups: number[] = []
  let wake: () => void = () => {}
  const share = agents / processes
  const children = Array.from({ length: processes }, (_, number) => {
    const args = [script, port, scene.cloud.token, String(number * share), String(share), ...ca]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    createInterface({ input: child.stdout }).on('line', line => {
      ups.push(Number(line))
      if (ups.length === agents) wake()
    })
    return child
  })
  const allUp = () =>
    new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`only ${ups.length} of ${agents} agents connected`)), longestMs)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
      if (ups.length >= agents) wake()
    })
  try {
    await allUp()
    ups = []
    const everybody = allUp()
    await scene.cloud.restart({ hard: true, whileDown: () => new Promise(resolve => setTimeout(resolve, downMs)) })
    await everybody
  } finally {
    for (const child of children) child.kill('SIGKILL')
  }
  const sorted = [...ups].sort((a, b) => a - b).slice(0, agents * 0.95)
  const [firstMs = 0] = sorted
  const counts: number[] = []
  for (const ms of sorted) {
    const at = Math.floor((ms - firstMs) / 1000)
    counts[at] = (counts[at] ?? 0) + 1
  }
  const curve = Array.from(counts, count => count ?? 0)
  process.stderr.write(`connects in each second, ${way}: ${curve.join(' ')}\n`)
  const peak = Math.max(...curve)
  const mean = sorted.length / curve.length
  return {
    what: `${agents} agents over ${way} and a cloud away for ${downMs / 1000} s: connects in the fullest second`,
    ours: `${peak}, 95 % back in ${curve.length} s`,
    floor: `${mean.toFixed(0)} (even)`,
    ratio: peak / mean,
    goal: `≤ ${goal} ×`,
    met: peak <= goal * mean,
  }
}
