// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { median } from '../measure.ts'
import type { Scene } from '../scene.ts'
import type { Row } from '../table.ts'

const megabytes = 200
const runs = 5
const goalRatio = 0.9
const goalGrownMb = 16

interface Printed {
  readonly seconds: number
  readonly grownMb: number
}

/** Seconds of each run; `curlKept`: until the file that curl wrote is on the disk. */
type Times = Record<'up' | 'down' | 'curlUp' | 'curlDown' | 'curlKept', number[]>

/** A large file up and down, beside curl against the same server. */
export async function files(scene: Scene): Promise<Row[]> {
  const script = await scene.bundle('test/bench/programs/agent-files.ts')
  const { dir, thingKey } = scene.device('bench')
  const path = join(scene.folder, 'large.bin')
  writeRandom(path)
  const back = join(scene.folder, 'back.bin')
  const curlBack = join(scene.folder, 'curl-back.bin')
  const times: Times = { up: [], down: [], curlUp: [], curlDown: [], curlKept: [] }
  let grownMb = 0
  for (let run = 0; run < runs; run++) {
    const pairs = [
      [
        async () => {
          const { seconds, grownMb: grown } = await scene.run<Printed>(script, [dir, 'bench', 'up', 'large.bin', path])
          times.up.push(seconds)
          grownMb = Math.max(grownMb, grown)
        },
        async () => {
          const put = ['--upload-file', path, '--request', 'POST']
          times.curlUp.push(await curl(scene, 'file.put', thingKey, put))
        },
      ],
      [
        async () => {
          const { seconds, grownMb: grown } = await scene.run<Printed>(script, [
            dir,
            'bench',
            'down',
            'large.bin',
            back,
          ])
          times.down.push(seconds)
          grownMb = Math.max(grownMb, grown)
        },
        async () => {
          const seconds = await curl(scene, 'file.get', thingKey, ['--output', curlBack])
          times.curlDown.push(seconds)
          times.curlKept.push(seconds + (await secondsOf('sync', [curlBack])))
        },
      ],
    ]
    // The second one finds the disk as the first one left it, so they change places.
    for (const pair of pairs) for (const transfer of run % 2 === 0 ? pair : pair.reverse()) await transfer()
  }
  for (const file of [path, back, curlBack]) rmSync(file)
  const row = (what: string, ours: readonly number[], floor: readonly number[], also = ''): Row => {
    const [oursRate, floorRate] = [megabytes / median(ours), megabytes / median(floor)]
    const ratio = oursRate / floorRate
    return {
      what,
      ours: `${Math.round(oursRate)} MB/s`,
      floor: `curl${also}: ${Math.round(floorRate)} MB/s`,
      ratio,
      goal: `≥ ${goalRatio} ×`,
      met: ratio >= goalRatio,
    }
  }
  return [
    row(`upload of ${megabytes} MB, CRC-32 included`, times.up, times.curlUp),
    row(`download of ${megabytes} MB, CRC-32 and fsync included`, times.down, times.curlDown),
    row('the same, beside curl and an fsync of its file', times.down, times.curlKept, ' and fsync'),
    {
      what: 'memory growth during both, most',
      ours: `${grownMb.toFixed(1)} MB`,
      floor: '',
      goal: `≤ ${goalGrownMb} MB`,
      met: grownMb <= goalGrownMb,
    },
  ]
}

function writeRandom(path: string): void {
  const file = openSync(path, 'w')
  for (let at = 0; at < megabytes; at++) writeSync(file, randomBytes(1e6))
  closeSync(file)
}

/** Seconds that curl takes for one transfer, its start included. */
async function curl(scene: Scene, command: string, thingKey: string, args: readonly string[]): Promise<number> {
  const { fileId } = await scene.cloud.ask(command, { thingKey, fileName: 'large.bin' })
  const url = `https://localhost:${scene.cloud.https}/file/${fileId}`
  return await secondsOf('curl', ['--silent', '--show-error', '--fail', '--cacert', scene.cloud.ca, ...args, url])
}

async function secondsOf(program: string, args: readonly string[]): Promise<number> {
  const startMs = performance.now()
  await promisify(execFile)(program, args)
  return (performance.now() - startMs) / 1000
}
