// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { AgentError } from '../../../src/base/errors.ts'
import { frameRecord } from '../../../src/base/record.ts'
import { eventually } from '../../helpers/eventually.ts'
import { FakeClock, settle } from '../../helpers/fake-clock.ts'
import { drain, numbers, openStore } from '../../helpers/flash-scene.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

const filler = 'x'.repeat(10_000)
const large = (from: number, through: number) => numbers(from, through).map(text => `[${text},"${filler}"]`)

/** What a process finds that is started after this one was killed now; this one goes on. */
function copyOf(t: TestContext, path: string): string {
  const copy = tempDir(t)
  cpSync(path, copy, { recursive: true })
  return copy
}

test('cursors that outlived their segments cost the next ones nothing', async t => {
  const path = tempDir(t)
  const first = await openStore(t, path, 'always')
  for (const text of numbers(1, 3)) await first.put(text).kept
  const inFlight = await first.store.read('telemetry', { maxItems: 2, maxBytes: 1e9 })
  first.store.acknowledge('telemetry', inFlight)
  await first.store.close()
  // Killed between the end of the last segment and that of the cursors: all was sent.
  for (const name of readdirSync(path)) if (name.endsWith('.seg')) rmSync(join(path, name))
  const second = await openStore(t, path, 'always')
  for (const text of numbers(4, 6)) await second.put(text).kept
  const third = await openStore(t, path, 'always')
  assert.deepEqual(await drain(third), numbers(4, 6))
})

test('while the disk takes nothing and the memory is full, what goes is in memory, not what is safe on flash', async t => {
  const clock = new FakeClock()
  const path = join(tempDir(t), 'queue')
  const first = await openStore(t, path, 'always', clock)
  const texts = large(1, 200)
  for (const text of texts) await first.put(text).kept
  renameSync(path, `${path}.away`)
  writeFileSync(path, 'a file where the folder should be')
  for (const text of large(201, 300)) await first.put(text).kept
  assert.deepEqual(first.troubles, ['FILE_NOT_FOUND'])
  const { items, limitBytes } = first.store
  assert.ok(first.store.bytes < limitBytes)
  for (let at = 0; at < 10; at++) {
    const { droppableBytes } = first.store.size('telemetry')
    const dropped = await first.store.dropOldest('telemetry')
    assert.equal(dropped.items, 1)
    assert.ok(first.store.size('telemetry').droppableBytes < droppableBytes)
  }
  assert.equal(first.store.items, items - 10)
  rmSync(path)
  renameSync(`${path}.away`, path)
  const left = await drain(first)
  assert.equal(left.length, 290)
  assert.ok(
    texts.every((text, at) => left[at] === text),
    'what was on flash is gone',
  )
})

test('what a former process left is taken up when its folder can be read again, and goes first', async t => {
  const clock = new FakeClock()
  const path = join(tempDir(t), 'queue')
  const first = await openStore(t, path, 'always')
  for (const text of numbers(1, 40)) await first.put(text).kept
  await first.put('"an event"', 'event').kept
  await first.store.close()
  renameSync(path, `${path}.away`)
  writeFileSync(path, 'a file where the folder should be')
  const second = await openStore(t, path, 'always', clock)
  for (const text of numbers(41, 60)) await second.put(text).kept
  rmSync(path)
  renameSync(`${path}.away`, path)
  await clock.advance(10_000)
  await eventually('the disk is taken again', () => second.troubles.includes(undefined))
  for (const text of numbers(61, 70)) await second.put(text).kept
  assert.equal(second.store.items, 71)
  // Killed and started again: all of it, in order.
  const third = await openStore(t, copyOf(t, path), 'spill')
  assert.deepEqual(await drain(third), numbers(1, 70))
  assert.deepEqual(await drain(third, 'event'), ['"an event"'])
  assert.deepEqual(third.lost, [])
  assert.deepEqual(await drain(second), numbers(1, 70))
})

test('what was on its way when the folder could be read again is settled before it', async t => {
  const clock = new FakeClock()
  const path = join(tempDir(t), 'queue')
  const first = await openStore(t, path, 'always')
  for (const text of numbers(1, 4)) await first.put(text).kept
  await first.store.close()
  renameSync(path, `${path}.away`)
  writeFileSync(path, 'a file where the folder should be')
  const second = await openStore(t, path, 'always', clock)
  const puts = numbers(5, 8).map(text => second.put(text))
  const inFlight = await second.store.read('telemetry', { maxItems: 2, maxBytes: 1e9 })
  rmSync(path)
  renameSync(`${path}.away`, path)
  await clock.advance(10_000)
  second.store.acknowledge('telemetry', inFlight.slice(0, 1))
  inFlight[0]?.receipt?.settle('delivered')
  second.store.release('telemetry')
  await eventually('the disk is taken again', () => second.troubles.includes(undefined))
  await puts[0]?.receipt.delivered()
  const rest = ['"1"', '"2"', '"3"', '"4"', '"6"', '"7"', '"8"']
  assert.deepEqual(await drain(await openStore(t, copyOf(t, path), 'spill')), rest)
  assert.deepEqual(await drain(second), rest)
  for (const put of puts) await put.receipt.delivered()
})

test('a receipt that is asked after the end says so, wherever its item was', async t => {
  const first = await openStore(t, tempDir(t), 'always')
  const puts = []
  for (const text of large(1, 100)) {
    const put = first.put(text)
    await put.kept
    puts.push(put)
  }
  for (const receipt of await first.store.close()) receipt.settle(new AgentError('CLOSED', 'the end'))
  for (const put of puts) await assert.rejects(put.receipt.delivered({ timeoutMs: 1000 }), { code: 'CLOSED' })
})

test('a damaged file tells the receipts of its own items, and those of no other lane', async t => {
  const path = tempDir(t)
  const first = await openStore(t, path, 'always')
  const alarms = []
  for (const text of large(1, 60)) {
    const put = first.put(text, 'alarm')
    await put.kept
    alarms.push(put)
  }
  const puts = []
  for (const text of large(1, 60)) {
    const put = first.put(text)
    await put.kept
    puts.push(put)
  }
  const watchedAlarm = alarms.at(-1)?.receipt.delivered()
  const watched = puts.at(-1)?.receipt.delivered()
  watched?.catch(() => {})
  for (const name of readdirSync(path)
    .filter(name => name.startsWith('telemetry'))
    .slice(0)) {
    const whole = readFileSync(join(path, name))
    writeFileSync(join(path, name), whole.fill(0))
  }
  const left = await drain(first)
  const lost = 60 - left.length
  assert.ok(lost > 20 && lost < 60, `${lost} lost`)
  assert.equal(
    first.lost.reduce((sum, items) => sum + items, 0),
    lost,
  )
  await assert.rejects(watched ?? Promise.resolve(), { code: 'FILE_ACCESS' })
  // Asked only when it was over.
  await assert.rejects(puts.at(-2)?.receipt.delivered() ?? Promise.resolve(), { code: 'FILE_ACCESS' })
  await puts[0]?.receipt.delivered()
  assert.deepEqual(await drain(first, 'alarm'), large(1, 60))
  await watchedAlarm
})

test('damage in the middle of what waits on flash tells the receipts that it hit, and only those', async t => {
  const path = tempDir(t)
  const first = await openStore(t, path, 'always')
  const puts = []
  const ends: number[] = []
  const name = join(path, 'telemetry-0000000001.seg')
  for (const text of large(1, 50)) {
    const put = first.put(text)
    await put.kept
    puts.push(put)
    ends.push(readFileSync(name).length)
  }
  const watched = puts[40]?.receipt.delivered()
  watched?.catch(() => {})
  const bytes = readFileSync(name)
  bytes.fill(0, (ends[39] as number) + 100, (ends[42] as number) - 100)
  writeFileSync(name, bytes)
  assert.equal((await drain(first)).length, 47)
  assert.deepEqual(first.lost, [3])
  await assert.rejects(watched ?? Promise.resolve(), { code: 'FILE_ACCESS' })
  await assert.rejects(puts[41]?.receipt.delivered() ?? Promise.resolve(), { code: 'FILE_ACCESS' })
  for (const put of [...puts.slice(0, 40), ...puts.slice(43)]) await put.receipt.delivered()
})

test('always: a folder that is removed under the agent is noticed with the next sample, told, and made anew', async t => {
  const clock = new FakeClock()
  const path = join(tempDir(t), 'queue')
  const first = await openStore(t, path, 'always', clock)
  await first.put('"1"').kept
  rmSync(path, { recursive: true })
  await first.put('"2"').kept
  await first.put('"3"').kept
  assert.deepEqual(first.troubles, ['FILE_NOT_FOUND'])
  await clock.advance(10_000)
  await eventually('the folder is there again', () => first.troubles.includes(undefined))
  await first.put('"4"').kept
  assert.deepEqual(await drain(await openStore(t, copyOf(t, path), 'spill')), ['"2"', '"3"', '"4"'])
  assert.deepEqual(await drain(first), numbers(1, 4))
  assert.deepEqual(first.lost, [])
})

test('always: a folder that is replaced under the agent is noticed with the next sample', async t => {
  const clock = new FakeClock()
  const path = join(tempDir(t), 'queue')
  const first = await openStore(t, path, 'always', clock)
  await first.put('"1"').kept
  renameSync(path, `${path}.away`)
  mkdirSync(path)
  await first.put('"2"').kept
  await clock.advance(10_000)
  await eventually('the new folder is used', () => first.troubles.includes(undefined))
  await first.put('"3"').kept
  assert.deepEqual(await drain(await openStore(t, path, 'spill')), ['"2"', '"3"'])
})

test('a disk that comes and goes while it is read ahead is left alone until what is there is needed', async t => {
  const path = tempDir(t)
  const first = await openStore(t, path, 'always')
  const texts = large(1, 100)
  for (const text of texts) await first.put(text).kept
  await first.store.close()
  let isAway = false
  let refusals = 0
  const second = await openStore(t, path, 'always', new FakeClock(), [], folder => ({
    ...folder,
    read: (...where) => {
      if (!isAway) return folder.read(...where)
      refusals++
      return Promise.reject(new AgentError('FILE_ACCESS', 'input/output error', { details: { errno: 'EIO' } }))
    },
  }))
  const next = () => second.store.read('telemetry', { maxItems: 5, maxBytes: 1e9 })
  const read: string[] = []
  const takeOne = async () => {
    const inFlight = await next()
    read.push(...inFlight.map(({ json }) => json))
    second.store.acknowledge('telemetry', inFlight)
    await settle()
  }
  await takeOne()
  isAway = true
  // What is in memory goes on.
  while (refusals === 0) await takeOne()
  const before = read.length
  await takeOne()
  assert.ok(read.length > before)
  assert.equal(refusals, 1)
  isAway = false
  assert.deepEqual([...read, ...(await drain(second))], texts)
  assert.deepEqual(second.lost, [])
})

test('more that was written twice than is read at once is no end', async t => {
  const path = tempDir(t)
  const first = await openStore(t, path, 'always')
  for (const text of large(1, 40)) await first.put(text).kept
  // As after a write that failed when all of it was in the file already.
  cpSync(join(path, 'telemetry-0000000001.seg'), join(path, 'telemetry-0000000002.seg'))
  const second = await openStore(t, path, 'always')
  for (const text of large(41, 50)) await second.put(text).kept
  const third = await openStore(t, path, 'always')
  assert.deepEqual(await drain(third), large(1, 50))
  assert.deepEqual(third.lost, [])
})

test('a segment of a newer version is set aside, not thrown away, and does not stop the rest', async t => {
  const path = tempDir(t)
  const first = await openStore(t, path, 'always')
  await first.put('"1"').kept
  await first.store.close()
  const newer = frameRecord(Uint8Array.from([2, ...new Uint8Array(60)]))
  writeFileSync(join(path, 'telemetry-0000000002.seg'), newer)
  writeFileSync(join(path, 'alarm-0000000001.seg'), newer)
  const second = await openStore(t, path, 'always')
  await second.put('"2"').kept
  await second.put('"3"', 'alarm').kept
  assert.deepEqual(await drain(second), numbers(1, 2))
  assert.deepEqual(await drain(second, 'alarm'), ['"3"'])
  await second.store.close()
  const names = readdirSync(path)
  assert.equal(names.length, 2)
  for (const name of names) assert.deepEqual(readFileSync(join(path, name)), Buffer.from(newer))
  assert.match(second.log(), /newer version/)
})

test('whatever the clock said when they were put, items are kept and come back with it', async t => {
  const path = tempDir(t)
  const clock = new FakeClock(0)
  const first = await openStore(t, path, 'always', clock)
  await first.put('"1"').kept
  clock.setWall(Date.parse('2076-01-01T00:00:00Z'))
  await first.put('"2"').kept
  clock.setWall(Date.parse('2024-01-01T00:00:00Z'))
  await first.put('"3"').kept
  const second = await openStore(t, path, 'spill')
  assert.equal(second.store.size('telemetry').oldestEpochMs, 0)
  const inFlight = await second.store.read('telemetry', { maxItems: 9, maxBytes: 1e9 })
  assert.deepEqual(
    inFlight.map(({ json, epochMs }) => [json, new Date(epochMs).getUTCFullYear()]),
    [
      ['"1"', 1970],
      ['"2"', 2076],
      ['"3"', 2024],
    ],
  )
})
