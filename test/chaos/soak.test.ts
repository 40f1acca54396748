// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { bundledProgram } from '../helpers/bundled-program.ts'
import { farEnd } from '../helpers/far-end.ts'
import { tempDir } from '../helpers/temp-dir.ts'

interface Point {
  readonly heapBytes: number
  readonly anonymousBytes: number
  readonly resources: number
  readonly timers: number
  readonly descriptors: number
}

const long = process.env.DEVICE_CLOUD_LONG === '1'
const reconnects = long ? 10_000 : 2_000
const maxMs = long ? 3_600_000 : 300_000
const samples = long ? 1_000_000 : 200_000

test(`${reconnects} reconnects and ${samples} samples leave nothing behind`, async t => {
  // With fewer requests for each session most of them would be spent on finding what ended the one before.
  const { port, connects, requests } = await farEnd(t, 5)
  const script = await bundledProgram(t, 'chaos/programs/soak.ts')
  const words = ['--expose-gc', script, String(port), tempDir(t), String(reconnects), String(samples)]
  const { stdout } = await promisify(execFile)(process.execPath, words, { maxBuffer: 10_000_000, timeout: maxMs })
  const { measured, sessions, published }: { measured: Point[]; sessions: number; published: number } =
    JSON.parse(stdout)
  assert.ok(sessions >= reconnects && published >= samples, `${sessions} sessions, ${published} samples`)
  t.diagnostic(`${connects()} connects, ${requests()} requests`)
  // The first points warm up: code is compiled, pools are filled. Of the rest the later ones must not hold more than the earlier.
  const growth = (what: (point: Point) => number) =>
    median(measured.slice(7).map(what)) - median(measured.slice(4, 7).map(what))
  const heapBytes = growth(point => point.heapBytes)
  const anonymousBytes = growth(point => point.anonymousBytes)
  const table = JSON.stringify(measured, null, 1)
  t.diagnostic(`in 3 of 10 parts the heap grew by ${kibibytes(heapBytes)}, RssAnon by ${kibibytes(anonymousBytes)}`)
  assert.ok(heapBytes < 1024 * 1024, table)
  assert.ok(anonymousBytes < 8 * 1024 * 1024, table)
  for (const { resources, timers, descriptors } of measured)
    assert.ok(resources <= 16 && timers <= 6 && descriptors <= 40, table)
})

const kibibytes = (bytes: number) => `${Math.round(bytes / 1024)} KiB`

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
