// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AgentError } from '../../../src/base/errors.ts'
import { AlarmsService } from '../../../src/services/alarms.ts'
import { AttributesService } from '../../../src/services/attributes.ts'
import { EventsService } from '../../../src/services/events.ts'
import { LocationService } from '../../../src/services/location.ts'
import { TelemetryService } from '../../../src/services/telemetry.ts'
import { ThingService } from '../../../src/services/thing.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { FakeOutbox } from '../../helpers/fake-outbox.ts'

const ts = '2024-03-05T10:11:12.000000Z'

function services() {
  const outbox = new FakeOutbox()
  const clock = new FakeClock()
  const ask = async () => ({})
  return {
    outbox,
    clock,
    telemetry: new TelemetryService({ outbox, ask, clock }),
    attributes: new AttributesService({ outbox, ask, clock }),
    alarms: new AlarmsService({ outbox, clock }),
    events: new EventsService({ outbox, clock }),
    location: new LocationService({ outbox, clock }),
    thing: new ThingService({ outbox }),
  }
}

async function refused(promise: Promise<unknown>, text: RegExp): Promise<void> {
  await assert.rejects(promise, (error: unknown) => {
    assert.ok(error instanceof AgentError)
    assert.equal(error.code, 'INVALID_ARGUMENT')
    assert.match(error.message, text)
    return true
  })
}

// What a program without TypeScript may hand in.
const wrong = <T>(value: unknown): T => value as T

test('telemetry goes to its lane, stamped with the present time, without members that were not given', async () => {
  const { telemetry, outbox } = services()
  const receipt = await telemetry.publish('temperature', 21.5)
  assert.equal(receipt.accepted, true)
  await telemetry.publish('temperature', -0.5, { timestamp: 0, corrId: 'run-1', aggregate: true })
  assert.deepEqual(outbox.in('telemetry'), [
    { key: 'temperature', value: 21.5, ts },
    { key: 'temperature', value: -0.5, ts: '1970-01-01T00:00:00.000000Z', corrId: 'run-1', aggregate: true },
  ])
})

test('telemetry that is no finite number is refused and nothing is queued', async () => {
  const { telemetry, outbox } = services()
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, wrong<number>('21'), wrong<number>(true)])
    await refused(telemetry.publish('t', value), /value of telemetry "t" must be a finite number/)
  assert.equal(outbox.items.length, 0)
})

test('telemetry is any finite number, as it is; an integer that no number can hold is refused with what to do', async () => {
  const { telemetry, outbox } = services()
  for (const value of [2 ** 60, 1e300, -5e-324]) await telemetry.publish('t', value)
  assert.deepEqual(
    outbox.in('telemetry').map(({ value }) => value),
    [2 ** 60, 1e300, -5e-324],
  )
  await assert.rejects(telemetry.publish('t', wrong<number>(89014103211118510720n)), {
    code: 'INVALID_ARGUMENT',
    message: /value of telemetry "t" is 89014103211118510720, and a number of the cloud has about 16 digits/,
    remedy: /attribute/,
  })
})

test('names keep to letters, digits, underscore and hyphen [TR50 2.5]', async () => {
  const { telemetry, attributes, alarms, outbox } = services()
  for (const name of ['', 'a b', 'ä', 'a.b', 'a/b', 'a\n', 'x'.repeat(257)]) {
    await refused(telemetry.publish(name, 1), /telemetry name/)
    await refused(attributes.publish(name, 'x'), /attribute name/)
    await refused(alarms.publish(name, 1), /alarm name/)
  }
  assert.equal(outbox.items.length, 0)
  await telemetry.publish('Remote-access_2', 1)
  assert.equal(outbox.items.length, 1)
})

test('a timestamp may be a Date, epoch milliseconds or RFC 3339 text, and becomes six-digit UTC text', async () => {
  const { telemetry, outbox } = services()
  await telemetry.publish('t', 1, { timestamp: new Date('2024-03-05T10:11:12.345Z') })
  await telemetry.publish('t', 1, { timestamp: 1709633472345 })
  await telemetry.publish('t', 1, { timestamp: '2024-03-05T12:11:12.345678+02:00' })
  await telemetry.publish('t', 1, { timestamp: '2024-03-05T10:11:12Z' })
  await telemetry.publish('t', 1, { timestamp: '2024-03-05T10:11:12.5Z' })
  await telemetry.publish('t', 1, { timestamp: '2024-03-05T10:11:12.000345999Z' })
  assert.deepEqual(
    outbox.in('telemetry').map(item => item.ts),
    [
      '2024-03-05T10:11:12.345000Z',
      '2024-03-05T10:11:12.345000Z',
      '2024-03-05T10:11:12.345678Z',
      '2024-03-05T10:11:12.000000Z',
      '2024-03-05T10:11:12.500000Z',
      '2024-03-05T10:11:12.000345Z',
    ],
  )
})

test('each kind carries what its command takes beside the sample, in the order of the wire [TR50 3]', async () => {
  const { attributes, alarms, events, location, thing, outbox } = services()
  await attributes.publish('a', 'x', { corrId: 'c', republish: true })
  await alarms.publish('a', 1, { corrId: 'c', latitude: -90, longitude: 180, republish: false, message: 'm' })
  await events.publish('e', { corrId: 'c', global: true, level: 'error' })
  await location.publish({ latitude: 1, longitude: 2, corrId: 'c', country: 'X' })
  await thing.update({ tags: ['b', 'a'], secTags: [], locationEnabled: false, corrId: 'c', unset: ['imei'] })
  await thing.update({ unset: ['tags', 'secTags'] })
  assert.deepEqual(
    outbox.items.map(({ item }) => JSON.stringify(item)),
    [
      { key: 'a', value: 'x', ts, republish: true, corrId: 'c' },
      { key: 'a', state: 1, ts, msg: 'm', corrId: 'c', lat: -90, lng: 180, republish: false },
      { msg: 'e', ts, level: 0, corrId: 'c', global: true },
      { lat: 1, lng: 2, ts, corrId: 'c', country: 'X' },
      { tags: ['b', 'a'], secTags: [], locEnabled: false, corrId: 'c', unset: ['imei'] },
      { unset: ['tags', 'secTags'] },
    ].map(item => JSON.stringify(item)),
  )
})

test('what is no point in time is refused', async () => {
  const { telemetry } = services()
  for (const timestamp of [
    'yesterday',
    '2024-03-05',
    '2024-03-05 10:11:12',
    Number.NaN,
    -1,
    1e300,
    new Date('x'),
    null,
  ])
    await refused(telemetry.publish('t', 1, { timestamp: wrong(timestamp) }), /^timestamp must be/)
})

test('attributes are bounded text', async () => {
  const { attributes, outbox } = services()
  await attributes.publish('hostname', '')
  await attributes.publish('hostname', 'ä'.repeat(32 * 1024))
  await refused(attributes.publish('hostname', 'ä'.repeat(32 * 1024 + 1)), /at most 65536 bytes, not 32769 characters/)
  await refused(attributes.publish('hostname', wrong(7)), /must be text, not 7/)
  assert.equal(outbox.in('attribute').length, 2)
  assert.deepEqual(outbox.in('attribute')[0], { key: 'hostname', value: '', ts })
})

test('alarms carry a state from 0, and message and republish only when given', async () => {
  const { alarms, outbox } = services()
  await alarms.publish('door', 0)
  await alarms.publish('door', 1, { message: 'open', republish: true })
  assert.deepEqual(outbox.in('alarm'), [
    { key: 'door', state: 0, ts },
    { key: 'door', state: 1, ts, msg: 'open', republish: true },
  ])
  for (const state of [-1, 1.5, Number.NaN, wrong<number>('1')])
    await refused(alarms.publish('door', state), /state of the alarm "door"/)
})

test('events have a level; the default one is not sent, as the Python agent never sent it', async () => {
  const { events, outbox } = services()
  await events.publish('booted')
  await events.publish('hot', { level: 'error' })
  await events.publish('warm', { level: 'warning' })
  await events.publish('fine', { level: 'info' })
  assert.deepEqual(
    outbox.in('event').map(item => item.level),
    [undefined, 0, 1, undefined],
  )
  assert.deepEqual(outbox.in('event')[0], { msg: 'booted', ts })
  await refused(events.publish('x', { level: wrong('loud') }), /level of an event/)
  await refused(events.publish('x', { level: wrong('toString') }), /level of an event/)
})

test('a position is checked field by field', async () => {
  const { alarms, location, outbox } = services()
  await location.publish({ latitude: 48.1, longitude: 11.5, heading: 12.34, accuracy: 5, fixType: 'gps', city: 'X' })
  assert.deepEqual(outbox.in('location'), [
    { lat: 48.1, lng: 11.5, heading: 12.34, fixAcc: 5, fixType: 'gps', ts, city: 'X' },
  ])
  await refused(alarms.publish('a', 1, { latitude: 1 }), /latitude is there and longitude is not/)
  await refused(alarms.publish('a', 1, { longitude: 1 }), /longitude is there and latitude is not/)
  await refused(location.publish({ latitude: 90.1, longitude: 0 }), /latitude must be from -90 to 90, not 90.1/)
  await refused(location.publish({ latitude: 0, longitude: -181 }), /longitude/)
  await refused(location.publish({ latitude: 0, longitude: 0, heading: 361 }), /heading/)
  await refused(location.publish({ latitude: 0, longitude: 0, speed: -1 }), /speed/)
  await refused(location.publish({ latitude: 0, longitude: 0, city: wrong(1) }), /city must be text/)
  await refused(location.publish(wrong({ longitude: 0 })), /latitude must be a finite number, not undefined/)
  assert.equal(outbox.items.length, 1)
})

test('a thing update names the fields as the wire does, and what to clear', async () => {
  const { thing, outbox } = services()
  await thing.update({ name: 'pump 7', description: 'north', unset: ['imei', 'imei'] })
  await thing.update({ unset: ['description'] })
  assert.deepEqual(outbox.in('thing'), [{ name: 'pump 7', desc: 'north', unset: ['imei'] }, { unset: ['desc'] }])
  await refused(thing.update({}), /at least one field/)
  await refused(thing.update({ name: 'a', unset: ['name'] }), /both set and in unset/)
  await refused(thing.update({ unset: wrong(['key']) }), /unset may name only/)
})
