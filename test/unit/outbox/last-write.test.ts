// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { appendFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { StoredItem } from '../../../src/outbox/store.ts'
import type { AppendFile } from '../../../src/platform/store/append-file.ts'
import type { StoreFolder } from '../../../src/platform/store/store-folder.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { drain, numbers, type Opened, openStore } from '../../helpers/flash-scene.ts'
import { seededChance } from '../../helpers/seeded.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

const always = () => true
/** How much of a write that is under way when the process ends gets to the file. */
const fates = ['nothing', 'half', 'all'] as const

/**
 * A folder whose writes to segments begin and never end, as far as this process is concerned. They end with the test.
 */
function withoutEnd(t: TestContext, fate: () => (typeof fates)[number]): (folder: StoreFolder) => StoreFolder {
  const ends: (() => void)[] = []
  t.after(() => {
    for (const end of ends) end()
  })
  return folder => ({
    ...folder,
    create: async (name, cause) => {
      const file = await folder.create(name, cause)
      const append: AppendFile['append'] = content => {
        const part = { nothing: 0, half: content.length >> 1, all: content.length }[fate()]
        appendFileSync(join(folder.path, name), content.subarray(0, part))
        return new Promise(resolve => ends.push(resolve))
      }
      return { ...file, append }
    },
  })
}

/** What the next process finds. */
async function next(t: TestContext, path: string): Promise<string[]> {
  const opened = await openStore(t, path, 'spill')
  const found = await drain(opened)
  assert.deepEqual(opened.lost, [])
  return found
}

/** Takes items in flight, and says that the cloud has the first `acknowledged` of them. */
async function send({ store }: Opened, maxItems: number, acknowledged: number): Promise<readonly StoredItem[]> {
  const inFlight = await store.read('telemetry', { maxItems, maxBytes: 1e9 })
  store.acknowledge('telemetry', inFlight.slice(0, acknowledged))
  return inFlight
}

test('what is in memory alone is on flash when the call returns, items in flight included and nothing that is done', async t => {
  const path = tempDir(t)
  const first = await openStore(t, path, 'spill')
  for (const text of numbers(1, 10)) first.put(text)
  first.put('"a"', 'alarm')
  await send(first, 4, 3)
  assert.deepEqual(first.store.lastWrite(always), { lost: 0 })
  assert.equal(first.writtenBytes() > 0, true)
  assert.deepEqual(await next(t, path), numbers(4, 10))
  assert.deepEqual(await drain(await openStore(t, path, 'spill'), 'alarm'), ['"a"'])
})

test('when nothing waits, nothing is written', async t => {
  const path = tempDir(t)
  const first = await openStore(t, path, 'spill')
  for (const text of numbers(1, 10)) first.put(text)
  await drain(first)
  assert.deepEqual(first.store.lastWrite(always), { lost: 0 })
  assert.deepEqual(readdirSync(path), [])
})

for (const fate of fates)
  test(`while a write is under way of which ${fate} gets to the file, each item is there once, and no item that is done`, async t => {
    const path = tempDir(t)
    const first = await openStore(
      t,
      path,
      'spill',
      new FakeClock(),
      [],
      withoutEnd(t, () => fate),
    )
    for (const text of numbers(1, 10)) first.put(text)
    await send(first, 4, 0)
    first.link.drop()
    while (!readdirSync(path).some(name => name.endsWith('.seg'))) await new Promise(setImmediate)
    await new Promise(setImmediate)
    for (const text of numbers(11, 12)) first.put(text)
    const inFlight = await first.store.read('telemetry', { maxItems: 0, maxBytes: 0 })
    first.store.acknowledge('telemetry', inFlight.slice(0, 3))
    assert.deepEqual(first.store.lastWrite(always), { lost: 0 })
    assert.deepEqual(await next(t, path), numbers(4, 12))
  })

test('of a backlog on flash what is done is not sent again, although the file of cursors is behind', async t => {
  const path = tempDir(t)
  const first = await openStore(t, path, 'spill')
  for (const text of numbers(1, 20)) first.put(text)
  await first.store.spill()
  for (const text of numbers(21, 25)) first.put(text)
  await send(first, 7, 7)
  first.store.lastWrite(always)
  assert.deepEqual(await next(t, path), numbers(8, 25))
})

test('without time the oldest are written, and the rest is counted', async t => {
  const path = tempDir(t)
  const first = await openStore(t, path, 'spill')
  const long = 'x'.repeat(300 * 1024)
  for (const text of [long, long, long]) first.put(JSON.stringify(text))
  let looks = 0
  const { lost } = first.store.lastWrite(() => looks++ === 0)
  assert.equal(lost, 1)
  assert.equal((await next(t, path)).length, 2)
})

test('a disk that takes nothing is told and harms nothing', async t => {
  const path = tempDir(t)
  const full = () => {
    throw Object.assign(new Error('full'), { code: 'ENOSPC' })
  }
  const over = (folder: StoreFolder): StoreFolder => ({ ...folder, createNow: full, replaceNow: full })
  const first = await openStore(t, path, 'spill', new FakeClock(), [], over)
  for (const text of numbers(1, 3)) first.put(text)
  const { lost, failure } = first.store.lastWrite(always)
  assert.equal(lost, 3)
  assert.match(String(failure), /full/)
})

test('after any story, each item that is not done is there once and in order', async t => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = seededChance(seed)
    const path = tempDir(t)
    const isSlow = random() < 0.5
    const over = isSlow ? withoutEnd(t, () => fates[Math.floor(random() * 3)] ?? 'all') : undefined
    const first = await openStore(t, path, random() < 0.5 ? 'spill' : 'always', new FakeClock(), [], over)
    let put = 0
    let done = 0
    for (let step = 0; step < 30; step++) {
      const dice = random()
      if (dice < 0.5) first.put(`"${++put}"`)
      else if (dice < 0.6) first.link.drop()
      else if (dice < 0.7) await new Promise(setImmediate)
      else if (dice < 0.9) {
        const inFlight = await first.store.read('telemetry', { maxItems: 1 + Math.floor(random() * 5), maxBytes: 1e9 })
        const many = Math.floor(random() * (inFlight.length + 1))
        first.store.acknowledge('telemetry', inFlight.slice(0, many))
        first.store.release('telemetry')
        done += many
      } else await Promise.resolve()
    }
    assert.deepEqual(first.store.lastWrite(always), { lost: 0 }, `seed ${seed}`)
    assert.deepEqual(await next(t, path), numbers(done + 1, put), `seed ${seed}`)
  }
})
