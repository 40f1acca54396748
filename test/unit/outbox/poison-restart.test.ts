// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { AgentError } from '../../../src/base/errors.ts'
import type { StoreFolder } from '../../../src/platform/store/store-folder.ts'
import { eventually } from '../../helpers/eventually.ts'
import { FakeClock, settle } from '../../helpers/fake-clock.ts'
import { silent, succeed } from '../../helpers/fake-link.ts'
import { drain, openStore } from '../../helpers/flash-scene.ts'
import { outcomeOf, sample } from '../../helpers/outbox-scene.ts'
import { killedNow, type PoisonDevice, poison, poisonDevice } from '../../helpers/poison-device.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

const always = () => true
const candidatesIn = (path: string) =>
  existsSync(join(path, 'suspects')) ? readFileSync(join(path, 'suspects'), 'latin1') : ''

/** Lives until a poison item has so many strikes, and they are on flash. */
async function struck(device: PoisonDevice, path: string, strikes: number): Promise<void> {
  // The first end of a link says nothing yet, and the second only makes a candidate.
  await device.until('links have ended', () => device.fatal.length === strikes + 2)
  await eventually('the strikes are on flash', () => candidatesIn(path).includes(`"strikes":${strikes}`))
}

for (const durability of ['spill', 'always'] as const)
  test(`${durability}: a process that is killed between two trials leaves the candidates to the next, and that one what it set aside`, async t => {
    const path = tempDir(t)
    const first = await poisonDevice(t, path, { durability })
    for (const msg of ['a', poison, 'b']) await first.outbox.put('event', { msg, ts: 'T' })
    await struck(first, path, 2)
    const second = await poisonDevice(t, killedNow(t, path), { durability })
    assert.equal(second.outbox.stats().suspects, 1)
    await second.until('it is set aside', () => second.outbox.stats().waiting === 0)
    assert.deepEqual(second.fatal, [1], 'one more strike was enough')
    assert.equal(second.events().filter(text => text.startsWith('poison_item')).length, 1)
    await second.outbox.close()
  })

test('what was set aside is kept on flash, shown by the next process, and not sent by it', async t => {
  const path = tempDir(t)
  const first = await poisonDevice(t, path)
  await first.outbox.put('event', { msg: poison, ts: 'T' })
  await first.until('it is set aside', () => first.outbox.stats().setAside !== undefined)
  await first.until('the event about it is delivered', () => first.outbox.stats().waiting === 0)
  await first.outbox.close()
  assert.deepEqual(readdirSync(path), ['set-aside'])
  const second = await poisonDevice(t, path)
  const { waiting, setAside } = second.outbox.stats()
  assert.deepEqual([waiting, setAside?.total, setAside?.kept], [0, 1, 1])
  await second.until('the link is up', () => second.link.isUp)
  await settle()
  assert.deepEqual(second.fatal, [])
  assert.ok(readFileSync(join(path, 'set-aside'), 'latin1').includes(poison))
})

test('what is kept of that is bounded, and all of it is counted', async t => {
  const path = tempDir(t)
  const device = await poisonDevice(t, path)
  const large = poison.padEnd(400_000, 'p')
  for (let at = 0; at < 4; at++) await device.outbox.put('event', { msg: `${at}${large}`, ts: 'T' })
  await device.until('all are set aside', () => device.outbox.stats().setAside?.total === 4)
  const { kept = 0, keptBytes = 0 } = device.outbox.stats().setAside ?? {}
  assert.equal(kept, 2)
  assert.ok(keptBytes <= 1024 * 1024)
})

test('a group that is being halved goes on being halved in the next process', async t => {
  const path = tempDir(t)
  const first = await poisonDevice(t, path)
  for (let value = 0; value < 400; value++)
    await first.outbox.put('telemetry', { ...sample(value), ...(value === 10 && { corrId: poison }) })
  await first.until('the first halves have ended links', () => first.fatal.length === 3)
  await eventually('they are candidates on flash', () => candidatesIn(path).includes('"portion":50'))
  const second = await poisonDevice(t, killedNow(t, path))
  await second.until('it is set aside', () => second.outbox.stats().waiting === 0)
  assert.deepEqual(second.fatal.slice(0, 2), [50, 25])
  assert.equal(second.outbox.stats().setAside?.total, 1)
})

test('an answer that the journal makes anew in the next process has its strikes still, and is on flash once', async t => {
  const path = tempDir(t)
  const answer = { command: 'mailbox.ack', params: { id: 'm', errorCode: 0, errorMessage: poison } }
  const first = await poisonDevice(t, path)
  await first.outbox.put('ack', answer)
  await struck(first, path, 2)
  assert.ok(!candidatesIn(path).includes(poison))
  const second = await poisonDevice(t, killedNow(t, path))
  assert.equal(second.outbox.stats().waiting, 0)
  const outcome = outcomeOf(second.outbox.put('ack', answer))
  await second.until('it is set aside', () => second.outbox.stats().waiting === 0)
  assert.equal(await outcome, 'LIMIT_EXCEEDED')
  assert.deepEqual(second.fatal, [1])
})

test('nothing is written before a link ends, and what is written goes when the candidates were innocent', async t => {
  const path = tempDir(t)
  const device = await poisonDevice(t, path)
  device.link.cloud = silent
  device.link.up()
  await device.outbox.put('event', { msg: 'e', ts: 'T' })
  await settle()
  assert.equal(device.writtenBytes(), 0)
  device.link.down()
  await eventually('the candidates are on flash', () => candidatesIn(path) !== '')
  device.link.cloud = succeed
  await device.until('all is delivered', () => device.outbox.stats().waiting === 0)
  await eventually('the folder is empty again', () => readdirSync(path).length === 0)
})

test('an agent that knows nothing of poison candidates opens the folder, loses no sample, and leaves what is not its own', async t => {
  const path = tempDir(t)
  const device = await poisonDevice(t, path, { durability: 'always' })
  device.link.cloud = silent
  device.link.up()
  for (const msg of ['a', 'b', 'c']) await device.outbox.put('event', { msg, ts: 'T' })
  await settle()
  device.link.down()
  await eventually('the candidates are on flash', () => candidatesIn(path) !== '')
  const copy = killedNow(t, path)
  const old = await openStore(t, copy, 'always')
  const texts = await drain(old, 'event')
  assert.deepEqual(
    texts.map(text => JSON.parse(text).msg),
    ['a', 'b', 'c'],
  )
  assert.ok(existsSync(join(copy, 'suspects')))
})

test('a disk that is full when a link ends: the candidates are kept in memory, that is said once, and poison is found all the same', async t => {
  const path = tempDir(t)
  let isFull = false
  const over = (folder: StoreFolder): StoreFolder => ({
    ...folder,
    replace: (name, content, cause) =>
      isFull
        ? Promise.reject(new AgentError('DISK_FULL', `cannot replace ${name}`))
        : folder.replace(name, content, cause),
  })
  const device = await poisonDevice(t, path, { over })
  isFull = true
  const outcome = outcomeOf(device.outbox.put('event', { msg: poison, ts: 'T' }))
  await device.until('it is set aside', () => device.outbox.stats().setAside !== undefined)
  assert.equal(await outcome, 'LIMIT_EXCEEDED')
  assert.equal(device.flashLog().match(/cannot be written; what is in it[^\n]*suspects/g)?.length, 1)
  isFull = false
  await device.outbox.close()
  assert.ok(readFileSync(join(path, 'set-aside'), 'latin1').includes(poison), 'the end of the process writes it')
})

test('a disk that is full when a candidate ends a link alone: what is on flash stays there, and a kill takes nothing', async t => {
  const path = tempDir(t)
  let isFull = false
  const full = () => Promise.reject(new AgentError('DISK_FULL', 'no room'))
  const over = (folder: StoreFolder): StoreFolder => ({
    ...folder,
    replace: (name, content, cause) => (isFull ? full() : folder.replace(name, content, cause)),
  })
  const device = await poisonDevice(t, path, { durability: 'always', over })
  await device.outbox.put('event', { msg: poison, ts: 'T' })
  isFull = true
  await device.until('it has ended links alone', () => device.fatal.length === 3)
  const next = await openStore(t, killedNow(t, path), 'always')
  assert.equal((await drain(next, 'event')).length, 1, 'it is not in memory alone')
  await device.outbox.put('event', { msg: 'b', ts: 'T' })
  await device.until('it is set aside, and what is behind it passes', () => device.outbox.stats().waiting === 0)
  assert.ok(device.events().includes('b'))
  assert.equal(device.outbox.stats().setAside?.total, 1)
  device.outbox.lastWrite(() => true)
  isFull = false
})

test('what was set aside while the disk was full is written when the process ends by itself', async t => {
  const path = tempDir(t)
  let isFull = true
  const full = () => Promise.reject(new AgentError('DISK_FULL', 'no room'))
  const over = (folder: StoreFolder): StoreFolder => ({
    ...folder,
    replace: (name, content, cause) => (isFull ? full() : folder.replace(name, content, cause)),
  })
  const device = await poisonDevice(t, path, { over })
  await device.outbox.put('event', { msg: poison, ts: 'T' })
  await device.until('it is set aside', () => device.outbox.stats().setAside !== undefined)
  isFull = false
  assert.deepEqual(device.outbox.lastWrite(always), { lost: 0 })
  const second = await poisonDevice(t, killedNow(t, path))
  assert.equal(second.outbox.stats().setAside?.total, 1)
})

test('at the end of the process what cannot be written of the candidates keeps nothing else from being written', async t => {
  const path = tempDir(t)
  const full = () => new AgentError('DISK_FULL', 'no room')
  const over = (folder: StoreFolder): StoreFolder => ({
    ...folder,
    replace: () => Promise.reject(full()),
    replaceNow(name, content, cause) {
      if (name === 'suspects') throw full()
      folder.replaceNow(name, content, cause)
    },
  })
  const device = await poisonDevice(t, path, { over })
  for (const msg of [poison, `${poison}2`]) await device.outbox.put('event', { msg, ts: 'T' })
  await device.until('one is set aside', () => device.outbox.stats().setAside !== undefined)
  const { lost, failure } = device.outbox.lastWrite(always)
  assert.equal(lost, 0)
  assert.match(String(failure), /no room/)
  const second = await poisonDevice(t, killedNow(t, path))
  assert.equal(second.outbox.stats().setAside?.total, 1)
})

test('a process that ends by itself at any moment of a trial leaves each item in one place, and sets nothing aside twice', async t => {
  for (let at = 0; ; at++) {
    const path = tempDir(t)
    let writes = 0
    let found: string | undefined
    let device: PoisonDevice | undefined
    const moment = () => {
      if (writes++ !== at || device === undefined) return
      assert.deepEqual(device.outbox.lastWrite(always), { lost: 0 })
      found = killedNow(t, path)
    }
    const over = (folder: StoreFolder): StoreFolder => ({
      ...folder,
      async replace(name, content, cause) {
        moment()
        // A last write takes the place of this one.
        await folder.replace(name, content, cause).catch(error => {
          if (found === undefined) throw error
        })
        moment()
      },
    })
    device = await poisonDevice(t, path, { durability: 'always', over })
    await device.outbox.put('event', { msg: poison, ts: 'T' })
    await device.until('the moment', () => found !== undefined || device?.outbox.stats().setAside !== undefined)
    await device.outbox.close()
    if (found === undefined) break
    const second = await poisonDevice(t, found)
    const { waiting, setAside } = second.outbox.stats()
    assert.equal(waiting + (setAside?.total ?? 0), 1, `write ${at}`)
    await second.until('it is set aside', () => second.outbox.stats().waiting === 0)
    assert.equal(second.outbox.stats().setAside?.total, 1, `write ${at}`)
  }
})

test('a process that is killed when an item was set aside and is a candidate still: the next one does not send it', async t => {
  const path = tempDir(t)
  let found: string | undefined
  const over = (folder: StoreFolder): StoreFolder => ({
    ...folder,
    async replace(name, content, cause) {
      await folder.replace(name, content, cause)
      if (name === 'set-aside') found ??= killedNow(t, path)
    },
  })
  const first = await poisonDevice(t, path, { over })
  await first.outbox.put('event', { msg: poison, ts: 'T' })
  await first.until('it is set aside', () => found !== undefined)
  const second = await poisonDevice(t, found ?? '')
  const { waiting, suspects, setAside } = second.outbox.stats()
  assert.deepEqual([waiting, suspects, setAside?.total], [0, undefined, 1])
  await eventually('the candidates are gone from flash', () => candidatesIn(found ?? '') === '')
})

test('a process that ends while the candidates are written loses nothing that is in memory', async t => {
  for (let turns = 0; turns < 12; turns++) {
    const path = tempDir(t)
    const device = await poisonDevice(t, path)
    device.link.cloud = silent
    device.link.up()
    for (const msg of ['a', 'b', 'c']) await device.outbox.put('event', { msg, ts: 'T' })
    await settle()
    device.link.down()
    for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate)
    assert.deepEqual(device.outbox.lastWrite(always), { lost: 0 })
    const second = await poisonDevice(t, killedNow(t, path))
    await second.until('all is delivered', () => second.outbox.stats().waiting === 0)
    assert.deepEqual(second.events().sort(), ['a', 'b', 'c'])
  }
})

test('a poison candidate of a clock that was not set has its right time when it passes at last', async t => {
  const path = tempDir(t)
  const clock = new FakeClock(5000)
  const first = await poisonDevice(t, path, { clock })
  await first.outbox.put('event', { msg: poison, ts: '1970-01-01T00:00:05.000000Z' })
  await struck(first, path, 1)
  clock.setWall(Date.parse('2026-03-05T10:00:00.000Z') + clock.monotonicMs())
  const second = await poisonDevice(t, killedNow(t, path), { clock })
  second.link.cloud = succeed
  await second.until('it is delivered', () => second.outbox.stats().waiting === 0)
  const sent = second.link.commands.filter(({ command }) => command === 'log.publish')
  // Killed before its lane had let go of it, it may come twice.
  assert.deepEqual([...new Set(sent.map(({ params }) => params.ts))], ['2026-03-05T10:00:00.000000Z'])
})

test('a file of candidates that is rotten counts as none', async t => {
  const path = tempDir(t)
  const first = await poisonDevice(t, path)
  await first.outbox.put('event', { msg: poison, ts: 'T' })
  await first.until('the candidates are on flash', () => candidatesIn(path) !== '')
  const copy = killedNow(t, path)
  const bytes = readFileSync(join(copy, 'suspects'))
  bytes[bytes.length - 1] = 0
  writeFileSync(join(copy, 'suspects'), bytes)
  const second = await poisonDevice(t, copy)
  assert.equal(second.outbox.stats().suspects, undefined)
})
