// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import test from 'node:test'
import { eventually } from '../../helpers/eventually.ts'
import { FakeClock, settle } from '../../helpers/fake-clock.ts'
import { sample } from '../../helpers/outbox-scene.ts'
import { killedNow, poisonDevice } from '../../helpers/poison-device.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

const overflow = (maxBytes: number) => ({ maxBytes, durability: 'spill' as const })
const told = (events: readonly string[]) => events.filter(text => text.startsWith('The outbox was full'))

test('what a process dropped without a link, and could not tell, the next one tells: how many of what, and when', async t => {
  const path = tempDir(t)
  const clock = new FakeClock()
  const first = await poisonDevice(t, path, { ...overflow(2000), clock })
  for (let value = 0; value < 40; value++) await first.outbox.put('telemetry', sample(value))
  const { dropped } = first.outbox.stats().lanes.telemetry
  assert.ok(dropped > 0)
  await first.outbox.close()
  await clock.advance(3_600_000)
  const second = await poisonDevice(t, path, { clock })
  await second.until('all is delivered', () => second.outbox.stats().waiting === 0 && told(second.events()).length > 0)
  const at = '2024-03-05T10:11:12.000000Z'
  assert.deepEqual(told(second.events()), [`The outbox was full: dropped from ${at} to ${at}: ${dropped} telemetry.`])
  await second.outbox.close()
  assert.deepEqual(readdirSync(path), [])
  const third = await poisonDevice(t, path, { clock })
  await third.until('the link is up', () => third.link.isUp)
  await settle()
  assert.deepEqual(told(third.events()), [], 'told twice')
})

test('a process that is killed leaves the count of a minute before, and an idle one writes nothing', async t => {
  const path = tempDir(t)
  const first = await poisonDevice(t, path, overflow(2000))
  for (let value = 0; value < 40; value++) await first.outbox.put('telemetry', sample(value))
  await first.clock.advance(60_000)
  await eventually('the count is on flash', () => first.budget.counts()['outbox memo'] !== undefined)
  const { dropped } = first.outbox.stats().lanes.telemetry
  await eventually('the queue too', async () => await first.outbox.spill())
  const written = first.budget.counts()['outbox memo']
  await first.clock.advance(86_400_000)
  await first.outbox.spill()
  assert.deepEqual(first.budget.counts()['outbox memo'], written)
  const second = await poisonDevice(t, killedNow(t, path))
  await second.until('it is told', () => told(second.events()).some(text => text.includes(`: ${dropped} telemetry.`)))
})

test('a process that ends by process.exit leaves the count', async t => {
  const path = tempDir(t)
  const first = await poisonDevice(t, path, overflow(2000))
  for (let value = 0; value < 40; value++) await first.outbox.put('telemetry', sample(value))
  const { dropped } = first.outbox.stats().lanes.telemetry
  assert.deepEqual(
    first.outbox.lastWrite(() => true),
    { lost: 0 },
  )
  const second = await poisonDevice(t, killedNow(t, path))
  await second.until('it is told', () => told(second.events()).some(text => text.includes(`: ${dropped} telemetry.`)))
})

test('a report that was in the queue when the process ended is not told a second time', async t => {
  const path = tempDir(t)
  const first = await poisonDevice(t, path, overflow(4000))
  for (let value = 0; value < 80; value++) await first.outbox.put('telemetry', sample(value))
  const { cloud } = first.link
  first.link.cloud = message => (message.text.includes('log.publish') ? undefined : cloud(message))
  await first.until('the report is on its way', () => told(first.events()).length > 0)
  await first.outbox.close()
  assert.ok(!readdirSync(path).includes('drops'))
  const second = await poisonDevice(t, path)
  await second.until('all is delivered', () => second.outbox.stats().waiting === 0)
  await settle()
  assert.equal(told(second.events()).length, 1)
})
