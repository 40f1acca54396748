// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isJsonObject, type Json, type JsonObject, toAsciiJson } from '../../../src/base/json.ts'
import { parseWrittenJson } from '../../../src/base/written-json.ts'
import type { Ask } from '../../../src/protocol/ask.ts'
import { AttributesService } from '../../../src/services/attributes.ts'
import { DiagnosticsService } from '../../../src/services/diagnostics.ts'
import { TelemetryService } from '../../../src/services/telemetry.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { FakeOutbox } from '../../helpers/fake-outbox.ts'

/** A cloud that answers everything with `answer`, and the services that ask it; `asked` holds the commands as they are sent. */
function asking(answer: JsonObject) {
  const asked: Json[] = []
  const clock = new FakeClock()
  const ask: Ask = async command => {
    asked.push(JSON.parse(toAsciiJson(command('dev-1-app'))))
    await clock.advance(12)
    return answer
  }
  const outbox = new FakeOutbox()
  return {
    asked,
    telemetry: new TelemetryService({ outbox, ask, clock }),
    attributes: new AttributesService({ outbox, ask, clock }),
    diagnostics: new DiagnosticsService({ ask, clock }),
  }
}

test('the current telemetry comes with its time', async () => {
  const { telemetry, asked } = asking({ value: 21.5, ts: '2024-03-05T10:11:12Z' })
  assert.deepEqual(await telemetry.current('temp'), { value: 21.5, timestamp: '2024-03-05T10:11:12Z' })
  assert.deepEqual(asked, [{ command: 'property.current', params: { thingKey: 'dev-1-app', key: 'temp' } }])
})

test('a value of another time is asked for by that time, and the correlation id comes back', async () => {
  const { telemetry, attributes, asked } = asking({ value: 21.5, ts: 'T', corrId: 'run-1' })
  const at = { timestamp: '2024-03-05T12:11:12+02:00' }
  assert.deepEqual(await telemetry.current('temp', at), { value: 21.5, timestamp: 'T', corrId: 'run-1' })
  assert.deepEqual(await attributes.current('a', at), { value: '21.5', timestamp: 'T', corrId: 'run-1' })
  const ts = '2024-03-05T10:11:12.000000Z'
  assert.deepEqual(asked, [
    { command: 'property.current', params: { thingKey: 'dev-1-app', key: 'temp', ts } },
    { command: 'attribute.current', params: { thingKey: 'dev-1-app', key: 'a', ts } },
  ])
})

test('a default attribute has no time, and a number is given as text', async () => {
  assert.deepEqual(await asking({ value: 'x' }).attributes.current('a'), { value: 'x' })
  assert.deepEqual(await asking({ value: 7, ts: 'T' }).attributes.current('a'), { value: '7', timestamp: 'T' })
})

test('a number that JavaScript cannot hold is an attribute digit by digit, and as telemetry the nearest number', async () => {
  const answer = (text: string) => {
    const value = parseWrittenJson(text)
    return asking(isJsonObject(value) ? value : {})
  }
  const iccid = answer('{"value":89014103211118510720}')
  assert.deepEqual(await iccid.attributes.current('iccid'), { value: '89014103211118510720' })
  assert.deepEqual(await iccid.telemetry.current('iccid'), { value: Number('89014103211118510720') })
  assert.deepEqual(await answer('{"value":1.10}').attributes.current('version'), { value: '1.10' })
  assert.deepEqual(await answer('{"value":1.10}').telemetry.current('version'), { value: 1.1 })
  await assert.rejects(answer('{"value":"5"}').telemetry.current('t'), { code: 'PROTOCOL_VIOLATION' })
})

test('a value that does not exist is a refusal with the code for "not found"', async () => {
  const missing = { code: 'REFUSED_BY_CLOUD', details: { errorCodes: [-90008], errorMessages: [] } }
  await assert.rejects(asking({}).telemetry.current('temp'), missing)
  await assert.rejects(asking({ value: null }).attributes.current('a'), missing)
})

test('an answer of the wrong type is a violation of the protocol, not a wrong value', async () => {
  await assert.rejects(asking({ value: '21' }).telemetry.current('temp'), { code: 'PROTOCOL_VIOLATION' })
  await assert.rejects(asking({ value: {} }).attributes.current('a'), { code: 'PROTOCOL_VIOLATION' })
  await assert.rejects(asking({ time: 'noon' }).diagnostics.time(), { code: 'PROTOCOL_VIOLATION' })
  await assert.rejects(asking({ time: 1e300 }).diagnostics.time(), { code: 'PROTOCOL_VIOLATION' })
})

test('ping tells how long the round trip took, time what the cloud thinks', async () => {
  assert.equal(await asking({}).diagnostics.ping(), 12)
  assert.deepEqual(await asking({ time: 1709633472000 }).diagnostics.time(), new Date('2024-03-05T10:11:12Z'))
  assert.deepEqual(await asking({ a: 1 }).diagnostics.echo({ a: 1 }), { a: 1 })
})
