// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { eventually } from '../../helpers/eventually.ts'
import { FakeClock, settle } from '../../helpers/fake-clock.ts'
import { drain, numbers, openStore } from '../../helpers/flash-scene.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

test('always: what append has resolved for is there after the process was killed, in order', async t => {
  const path = tempDir(t)
  const first = await openStore(t, path, 'always')
  for (const text of numbers(1, 50)) await first.put(text).kept
  // No close: the process is gone.
  const second = await openStore(t, path, 'always')
  assert.equal(second.store.items, 50)
  assert.deepEqual(await drain(second), numbers(1, 50))
})

test('always: many that wait share one write to the disk', async t => {
  const first = await openStore(t, tempDir(t), 'always')
  await Promise.all(numbers(1, 500).map(text => first.put(text).kept))
  const { outbox } = first.budget.counts()
  // One for the folder, one for the file, and at most two more for what came while the first write was under way.
  assert.ok((outbox?.syncs ?? 0) <= 4, `${outbox?.syncs} syncs`)
})

test('spill: nothing is written while the cloud answers promptly', async t => {
  const clock = new FakeClock()
  const path = tempDir(t)
  const first = await openStore(t, path, 'spill', clock)
  for (let second = 0; second < 3600; second++) {
    for (const text of numbers(1, 3)) first.put(text)
    assert.equal((await drain(first)).length, 3)
    await clock.advance(1000)
  }
  assert.equal(first.writtenBytes(), 0)
  assert.deepEqual(readdirSync(path), [])
})

test('spill: what is not answered within two seconds goes to flash, that on its way included', async t => {
  const clock = new FakeClock()
  const path = tempDir(t)
  const first = await openStore(t, path, 'spill', clock)
  first.put('"on its way"')
  await first.store.read('telemetry', { maxItems: 1, maxBytes: 1e9 })
  first.put('"behind it"')
  await clock.advance(1999)
  assert.equal(first.writtenBytes(), 0)
  await clock.advance(1)
  await first.store.close()
  assert.deepEqual(await drain(await openStore(t, path, 'spill')), ['"on its way"', '"behind it"'])
})

test('spill: a link that drops sends everything to flash at once', async t => {
  const path = tempDir(t)
  const first = await openStore(t, path, 'spill')
  first.put('"a"')
  first.put('"b"', 'alarm')
  first.link.drop()
  await first.store.close()
  const second = await openStore(t, path, 'spill')
  assert.deepEqual(await drain(second, 'alarm'), ['"b"'])
  assert.deepEqual(await drain(second), ['"a"'])
})

test('what was acknowledged is not sent again by the next process', async t => {
  const path = tempDir(t)
  const first = await openStore(t, path, 'always')
  for (const text of numbers(1, 20)) await first.put(text).kept
  const inFlight = await first.store.read('telemetry', { maxItems: 12, maxBytes: 1e9 })
  first.store.acknowledge('telemetry', inFlight.slice(0, 10))
  await settle()
  await new Promise(resolve => setTimeout(resolve, 50))
  assert.deepEqual(await drain(await openStore(t, path, 'always')), numbers(11, 20))
})

test('a store that was worked off leaves no files', async t => {
  const path = tempDir(t)
  const first = await openStore(t, path, 'always')
  for (const text of numbers(1, 20)) await first.put(text).kept
  await drain(first)
  await first.store.close()
  assert.deepEqual(readdirSync(path), [])
})

test('sequences go on where the former process ended', async t => {
  const path = tempDir(t)
  const first = await openStore(t, path, 'always')
  await first.put('"1"').kept
  await first.put('"2"').kept
  const second = await openStore(t, path, 'always')
  assert.equal(second.store.nextSequence, 2)
  await second.put('"3"').kept
  assert.deepEqual(await drain(await openStore(t, path, 'always')), ['"1"', '"2"', '"3"'])
})

test('a backlog far larger than the window is worked off in order, new items behind it, and memory holds only the window', async t => {
  const path = tempDir(t)
  const first = await openStore(t, path, 'spill')
  const large = 'x'.repeat(1000)
  const texts = numbers(1, 5000).map(text => `[${text},"${large}"]`)
  for (const text of texts) await first.put(text).kept
  first.link.drop()
  await first.store.close()

  const second = await openStore(t, path, 'spill')
  assert.equal(second.store.items, 5000)
  assert.ok(readdirSync(path).length > 5, 'several segments')
  second.put('"new"')
  assert.equal(second.store.items, 5001)
  assert.deepEqual(await drain(second, 'telemetry', 100), [...texts, '"new"'])
  assert.equal(second.store.items, 0)
  assert.equal(second.store.bytes, 0)
})

test('flash is read while a message is on its way, so that each message is as full as it may be', async t => {
  const path = tempDir(t)
  const first = await openStore(t, path, 'spill')
  const texts = numbers(1, 10_000).map(text => `{"value":${text},"ts":"2024-03-05T10:11:12.000Z"}`)
  for (const text of texts) first.put(text)
  await first.store.close()
  const { store } = await openStore(t, path, 'spill')
  const read: string[] = []
  for (let message = 0; message < 10; message++) {
    const inFlight = await eventually('a full message', async () => {
      const some = await store.read('telemetry', { maxItems: 1000, maxBytes: 1e9 })
      if (some.length === 1000) return some
      store.release('telemetry')
      return undefined
    })
    read.push(...inFlight.map(({ json }) => json))
    store.acknowledge('telemetry', inFlight)
  }
  assert.deepEqual(read, texts)
})

test('the receipt of an item that went to flash learns what became of it', async t => {
  const first = await openStore(t, tempDir(t), 'always')
  const filler = 'x'.repeat(10_000)
  const puts = []
  for (const text of numbers(1, 100)) {
    const put = first.put(`[${text},"${filler}"]`)
    await put.kept
    puts.push(put)
  }
  const early = puts[90]?.receipt.delivered()
  await drain(first)
  await early
  // Asked only when all is over.
  await puts[80]?.receipt.delivered()
})

test('an item that was dropped from flash tells its receipt so', async t => {
  const first = await openStore(t, tempDir(t), 'always')
  const put = first.put('"gone"')
  await put.kept
  const dropped = await first.store.dropOldest('telemetry')
  assert.equal(dropped.items, 1)
  assert.equal(dropped.receipts[0], put.receipt)
  assert.equal(first.store.items, 0)
})

/** A folder with one segment of items, and where each record of it ends. */
async function segmentOf(t: TestContext, texts: readonly string[]) {
  const path = tempDir(t)
  const first = await openStore(t, path, 'always')
  const ends: number[] = []
  for (const text of texts) {
    await first.put(text).kept
    ends.push(readFileSync(join(path, 'telemetry-0000000001.seg')).length)
  }
  return { path, name: 'telemetry-0000000001.seg', ends }
}

test('a segment cut at any byte opens and gives every item that is whole', async t => {
  const texts = numbers(1, 8)
  const { path, name, ends } = await segmentOf(t, texts)
  const whole = readFileSync(join(path, name))
  for (let cut = 0; cut <= whole.length; cut++) {
    writeFileSync(join(path, name), whole.subarray(0, cut))
    rmSync(join(path, 'cursors'), { force: true })
    const opened = await openStore(t, path, 'spill')
    const expected = texts.filter((_, at) => (ends[at] as number) <= cut)
    // What is read is not acknowledged, so that the file stays for the next cut.
    const inFlight = await opened.store.read('telemetry', { maxItems: 100, maxBytes: 1e9 })
    assert.deepEqual(
      inFlight.map(item => item.json),
      expected,
      `cut at ${cut}`,
    )
  }
})

test('a flipped bit anywhere costs at most the item that it hit', async t => {
  const texts = numbers(1, 4)
  const { path, name, ends } = await segmentOf(t, texts)
  const whole = readFileSync(join(path, name))
  for (let byte = 0; byte < whole.length; byte++) {
    const rotten = Buffer.from(whole)
    rotten[byte] = (rotten[byte] as number) ^ (1 << (byte % 8))
    writeFileSync(join(path, name), rotten)
    const hit = ends.findIndex(end => byte < end)
    const opened = await openStore(t, path, 'spill')
    const inFlight = await opened.store.read('telemetry', { maxItems: 100, maxBytes: 1e9 })
    assert.deepEqual(
      inFlight.map(item => item.json),
      texts.filter((_, at) => at !== hit),
      `byte ${byte}`,
    )
  }
})

test('rotten cursors cost nothing but a repetition', async t => {
  const path = tempDir(t)
  const first = await openStore(t, path, 'always')
  for (const text of numbers(1, 4)) await first.put(text).kept
  writeFileSync(join(path, 'cursors'), 'not a cursor at all')
  assert.deepEqual(await drain(await openStore(t, path, 'always')), numbers(1, 4))
})

test('items in the middle of a rotten segment are counted as lost', async t => {
  const { path, name } = await segmentOf(t, numbers(1, 10))
  const whole = readFileSync(join(path, name))
  whole.fill(0, Math.floor(whole.length / 3), Math.floor(whole.length / 2))
  writeFileSync(join(path, name), whole)
  const opened = await openStore(t, path, 'spill')
  const texts = await drain(opened)
  assert.equal(texts.length + opened.lost.reduce((sum, items) => sum + items, 0), 10)
  assert.equal(opened.store.items, 0)
})

test('a lane that stays in memory is never written, and what an older one left of it is taken away', async t => {
  for (const durability of ['spill', 'always'] as const) {
    const path = tempDir(t)
    const before = await openStore(t, path, 'always')
    await before.put('"old"', 'ack').kept
    await before.store.close()
    assert.ok(readdirSync(path).some(name => name.includes('ack')))
    const clock = new FakeClock()
    const opened = await openStore(t, path, durability, clock, ['ack'])
    assert.ok(!readdirSync(path).some(name => name.includes('ack')))
    await opened.put('"new"', 'ack').kept
    opened.link.drop()
    await clock.advance(60_000)
    assert.equal(opened.writtenBytes(), 0)
    assert.deepEqual(await drain(opened, 'ack'), ['"new"'])
  }
})

test('a folder that cannot be used is no reason not to start: memory serves, and flash again when it can', async t => {
  const clock = new FakeClock()
  const path = join(tempDir(t), 'queue')
  writeFileSync(path, 'a file where the folder should be')
  const first = await openStore(t, path, 'spill', clock)
  assert.deepEqual(first.troubles, ['FILE_ACCESS'])
  first.put('"kept in memory"')
  assert.equal(first.store.items, 1)
  rmSync(path)
  await clock.advance(10_000)
  await eventually('the folder is used again', () => first.troubles.length > 1)
  assert.deepEqual(first.troubles, ['FILE_ACCESS', undefined])
  first.link.drop()
  await first.store.close()
  assert.deepEqual(await drain(await openStore(t, path, 'spill')), ['"kept in memory"'])
})

test('other files in the folder are left alone', async t => {
  const path = tempDir(t)
  writeFileSync(join(path, 'telemetry.txt'), 'mine')
  mkdirSync(join(path, 'folder'))
  const first = await openStore(t, path, 'always')
  await first.put('"1"').kept
  await drain(first)
  await first.store.close()
  assert.deepEqual(readdirSync(path), ['folder', 'telemetry.txt'])
})

test('the files are private', async t => {
  const path = join(tempDir(t), 'queue')
  const first = await openStore(t, path, 'always')
  await first.put('"1"').kept
  const copy = join(tempDir(t), 'copy')
  copyFileSync(join(path, 'telemetry-0000000001.seg'), copy)
  chmodSync(copy, 0o600)
  const { statSync } = await import('node:fs')
  assert.equal(statSync(path).mode & 0o777, 0o700)
  assert.equal(statSync(join(path, 'telemetry-0000000001.seg')).mode & 0o777, 0o600)
})
