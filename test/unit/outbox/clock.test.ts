// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { formatTimestamp } from '../../../src/base/timestamp.ts'
import { FlashStore } from '../../../src/outbox/flash/flash-store.ts'
import { decodeItem, encodeItem } from '../../../src/outbox/flash/item-record.ts'
import { storeFolder } from '../../../src/platform/store/store-folder.ts'
import { WriteBudget } from '../../../src/platform/store/write-budget.ts'
import { FakeClock, settle } from '../../helpers/fake-clock.ts'
import { memoryLog } from '../../helpers/memory-log.ts'
import { outboxScene } from '../../helpers/outbox-scene.ts'
import { SlowStore } from '../../helpers/slow-store.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

const today = Date.parse('2026-03-05T10:00:00.000Z')

/** An outbox that is down, on a device whose clock began in 1970. */
function scene(t: TestContext) {
  const it = outboxScene(t, { isUp: false })
  it.clock.setWall(5000)
  const put = (key: string, extra: object = {}) =>
    it.outbox.put('telemetry', { key, value: 1, ts: formatTimestamp(it.clock.now()), ...extra })
  /** The times that the cloud got, by key. */
  const times = () =>
    Object.fromEntries(
      it.link.commands
        .flatMap(({ params }) => params.data ?? [params])
        .map(({ key, ts }: { key: string; ts: string }) => [key, ts]),
    )
  return { ...it, put, times }
}

test('samples taken before the clock was set arrive with the times at which they were taken', async t => {
  const { clock, link, put, times } = scene(t)
  await put('first')
  await clock.advance(1500)
  await put('second')
  await clock.advance(60_000)
  clock.setWall(today)
  await put('third')
  link.up()
  await settle()
  assert.deepEqual(times(), {
    first: '2026-03-05T09:58:58.500000Z',
    second: '2026-03-05T09:59:00.000000Z',
    third: '2026-03-05T10:00:00.000000Z',
  })
})

test('each kind of sample is put right, microseconds and all; what is not a sample is not touched', async t => {
  const { clock, link, outbox } = scene(t)
  const ts = '1970-01-01T00:00:05.000345Z'
  await outbox.put('alarm', { key: 'a', state: 1, ts, msg: `it said "ts":"${ts}"` })
  await outbox.put('event', { msg: 'e', ts })
  await outbox.put('attribute', { key: 't', value: 'v', ts })
  await outbox.put('location', { lat: 1, lng: 2, ts })
  await outbox.put('telemetry', { key: 'g', value: 1, ts, aggregate: true })
  await outbox.put('ack', { command: 'mailbox.ack', params: { id: 'm', errorCode: 0, params: { ts } } })
  clock.setWall(today)
  link.up()
  await settle()
  const right = '2026-03-05T10:00:00.000345Z'
  for (const { command, params } of link.commands) {
    const [sent] = params.data ?? [params]
    if (command === 'mailbox.ack') assert.equal(params.params.ts, ts)
    else assert.equal(sent.ts, right, command)
    if (command === 'alarm.batch') assert.equal(sent.msg, `it said "ts":"${ts}"`)
  }
  assert.equal(link.commands.length, 6)
})

test('a time that the application knew better stays, and so does a sample of a clock that was set', async t => {
  const { clock, link, put, times } = scene(t)
  await put('gps', { ts: '2026-03-05T09:59:59.000000Z' })
  await put('logbook', { ts: '2023-07-01T00:00:00.000000Z' })
  clock.setWall(today)
  await put('later')
  clock.setWall(today + 3_600_000)
  link.up()
  await settle()
  assert.deepEqual(times(), {
    gps: '2026-03-05T09:59:59.000000Z',
    logbook: '2023-07-01T00:00:00.000000Z',
    later: '2026-03-05T10:00:00.000000Z',
  })
})

test('while the clock is not set, samples go as they are', async t => {
  const { link, put, times } = scene(t)
  await put('early')
  link.up()
  await settle()
  assert.deepEqual(times(), { early: '1970-01-01T00:00:05.000000Z' })
})

test('a sample that is sent again has the time of the first try, though the clock was corrected a little since', async t => {
  const { clock, link, put } = scene(t)
  await put('one')
  clock.setWall(today)
  link.cloud = () => undefined
  link.up()
  await settle()
  link.down()
  await clock.advance(1000)
  clock.setWall(clock.now() + 800)
  link.cloud = ({ commands }) => Object.fromEntries(commands.map(({ id }) => [id, { success: true }]))
  link.up()
  await settle()
  const sent = link.commands.flatMap(({ params }) => params?.data?.[0].ts ?? params?.ts ?? [])
  assert.deepEqual(sent, ['2026-03-05T10:00:00.000000Z', '2026-03-05T10:00:00.000000Z'])
})

test('clock jumps forward and back stop no timer and change no order', async t => {
  const { clock, link, outbox, requester } = outboxScene(t)
  const numbers: number[] = []
  let silent = true
  link.cloud = ({ commands }) => {
    if (silent) return undefined
    for (const { params } of commands) numbers.push(...params.data.map(({ value }: { value: number }) => value))
    return Object.fromEntries(commands.map(({ id }) => [id, { success: true }]))
  }
  const jumps = [Date.parse('2076-01-01T00:00:00Z'), 0, today - 3_600_000, today]
  for (const [value, wallMs] of jumps.entries()) {
    await outbox.put('telemetry', { key: 'k', value, ts: formatTimestamp(clock.now()) })
    clock.setWall(wallMs)
    await clock.advance(1000)
  }
  silent = false
  // The deadline of the request that is not answered, and the pause after it.
  await clock.advance(33_000)
  assert.equal(requester.counters().timedOut, 1)
  assert.deepEqual(numbers, [0, 1, 2, 3])
})

test('on flash the distance of the clock is kept for this boot alone', () => {
  const item = { sequence: 1, epochMs: 5000, json: '{"key":"k"}', alone: true, clockOffsetMs: -77.5 }
  const body = encodeItem(item, 9, 0xfedcba98)
  assert.deepEqual(decodeItem(body, 0xfedcba98), { ...item, ordinal: 9 })
  const { clockOffsetMs: _, ...without } = item
  assert.deepEqual(decodeItem(body, 1), { ...without, ordinal: 9 })
  assert.deepEqual(decodeItem(body, undefined), { ...without, ordinal: 9 })
  // Where the boot cannot be told, what is on flash cannot be compared.
  assert.deepEqual(decodeItem(encodeItem(item, 9, undefined), undefined), { ...without, ordinal: 9 })
  for (let cut = 0; cut < body.length - item.json.length; cut++)
    assert.equal(decodeItem(body.subarray(0, cut), 0xfedcba98), undefined)
})

test('what a former process of this boot left is put right; what another boot left stays as it is', async t => {
  for (const [boot, expected] of [
    [7, '2026-03-05T10:00:00.000000Z'],
    [8, '1970-01-01T00:00:05.000000Z'],
  ] as const) {
    const path = tempDir(t)
    const open = (clock: FakeClock, number: number) =>
      FlashStore.open({
        folder: storeFolder(path, new WriteBudget()),
        durability: 'always',
        link: { on: () => () => {} },
        clock,
        log: memoryLog(clock).log,
        boot: number,
      })
    const clock = new FakeClock(5000)
    const before = outboxScene(t, { isUp: false, store: await open(clock, 7) })
    before.clock.setWall(5000)
    await before.outbox.put('telemetry', { key: 'k', value: 1, ts: formatTimestamp(5000) })
    await before.outbox.close()
    const after = outboxScene(t, { isUp: false, store: await open(clock, boot) })
    after.clock.setWall(today)
    after.link.up()
    assert.equal(await after.outbox.flush({ timeoutMs: 1000 }), true)
    assert.equal(after.link.commands[0]?.params.data[0].ts, expected)
  }
})

test('a clock that is set while a sample waits for room does not keep its time from being put right', async t => {
  const store = new SlowStore()
  const { clock, link, outbox } = outboxScene(t, { isUp: false, store, maxBytes: 2 * store.itemOverheadBytes + 120 })
  clock.setWall(5000)
  const put = (key: string) => outbox.put('telemetry', { key, value: 1, ts: formatTimestamp(clock.now()) })
  await put('gone')
  await put('here')
  const waiting = put('late')
  clock.setWall(today)
  await waiting
  link.up()
  for (let turn = 0; turn < 20; turn++) await settle()
  // Beside them an event tells of the dropped one.
  const samples = link.commands.filter(({ command }) => command.startsWith('property.'))
  const times = samples.flatMap(({ params }) => params.data ?? [params]).map(({ key, ts }) => [key, ts])
  assert.deepEqual(times, [
    ['here', '2026-03-05T10:00:00.000000Z'],
    ['late', '2026-03-05T10:00:00.000000Z'],
  ])
})
