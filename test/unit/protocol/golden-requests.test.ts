// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { type JsonObject, toAsciiJson } from '../../../src/base/json.ts'
import {
  type Command,
  diagEcho,
  diagPing,
  diagTime,
  fileGet,
  filePut,
  mailboxAck,
  mailboxCheck,
  mailboxUpdate,
  propertyCurrent,
} from '../../../src/protocol/commands.ts'
import { encodeRequest, envelopeOf } from '../../../src/protocol/envelope.ts'
import { batchText, publishText, type SampleKind } from '../../../src/protocol/publish-commands.ts'
import {
  alarmItem,
  attributeItem,
  EventLevel,
  eventItem,
  locationItem,
  telemetryItem,
  thingItem,
} from '../../../src/protocol/samples.ts'

const golden = JSON.parse(
  readFileSync(new URL('../../fixtures/wire/agent-requests.json', import.meta.url), 'utf8'),
) as Record<string, { payload: string }>

const text = (...commands: Command[]) => encodeRequest(commands).text
const publish = (kind: SampleKind, ...samples: JsonObject[]) =>
  envelopeOf(samples.map(sample => publishText(kind, '"K"', toAsciiJson(sample)))).text
const batch = (kind: SampleKind, ...samples: JsonObject[]) =>
  envelopeOf([batchText(kind, '"K"', samples.map(toAsciiJson).join(','))]).text

const requests: Record<string, string> = {
  'two events': publish('event', eventItem({ msg: 'e', ts: 'T' }), eventItem({ msg: 'f', ts: 'T' })),
  'one alarm': batch('alarm', alarmItem({ republish: true, msg: 'm', ts: 'T', state: 1, key: 'door' })),
  'one attribute': batch('attribute', attributeItem({ key: 'k', value: 'v', ts: 'T' })),
  'one location': batch('location', locationItem({ lat: 1, lng: 2, ts: 'T' })),
  'one property': batch('telemetry', telemetryItem({ key: 'p', value: 1.5, ts: 'T' })),
  progress: text(mailboxUpdate({ id: 'id1', msg: 'Invoked' })),
  'acknowledgement with params': text(mailboxAck({ id: 'id3', errorCode: 0, errorMessage: '', params: { a: 1 } })),
  ping: text(diagPing()),
  time: text(diagTime()),
  'thing update': publish('thing', thingItem({ unset: ['desc'], name: 'N' })),
  'mailbox check': text(mailboxCheck()),
  upload: text(filePut('K', { fileName: 'u.txt', crc32: 907060870 })),
  download: text(fileGet('K', { fileName: 'u.txt' })),
}

for (const [scene, { payload }] of Object.entries(golden)) {
  test(`the wire form of ${scene} is the recorded one [TR50 appendix A]`, () => {
    const request = requests[scene]
    assert.ok(request, `no commands for ${scene}`)
    assert.equal(request, payload)
  })
}

test('what is absent, undefined or null is not sent, so batches carry no nulls and no made-up defaults [H31]', () => {
  const location = { lat: 1, lng: 2, heading: undefined, fixType: null } as never
  assert.equal(
    batch('location', locationItem(location)),
    '{"1":{"command":"location.batch","params":{"thingKey":"K","data":[{"lat":1,"lng":2}]}}}',
  )
})

test('aggregate and corrId are sent under their own names [H31]', () => {
  assert.equal(
    publish('telemetry', telemetryItem({ key: 'p', value: 2, ts: 'T', corrId: 'c', aggregate: true })),
    '{"1":{"command":"property.publish","params":{"thingKey":"K","key":"p","value":2,"ts":"T","corrId":"c","aggregate":true}}}',
  )
  assert.match(publish('location', locationItem({ lat: 1, lng: 2, corrId: 'c' })), /"corrId":"c"/)
})

test('the commands that the Python agent had builders for have the same form', () => {
  assert.equal(
    publish('alarm', alarmItem({ key: 'a', state: 2, ts: 'T' })),
    '{"1":{"command":"alarm.publish","params":{"thingKey":"K","key":"a","state":2,"ts":"T"}}}',
  )
  assert.equal(
    publish('attribute', attributeItem({ key: 'a', value: '' })),
    '{"1":{"command":"attribute.publish","params":{"thingKey":"K","key":"a","value":""}}}',
  )
  assert.equal(text(diagEcho({ b: 1, a: null })), '{"1":{"command":"diag.echo","params":{"b":1,"a":null}}}')
  assert.equal(
    text(propertyCurrent('K', 'p')),
    '{"1":{"command":"property.current","params":{"thingKey":"K","key":"p"}}}',
  )
  assert.equal(text(mailboxCheck(5)), '{"1":{"command":"mailbox.check","params":{"autoComplete":false,"limit":5}}}')
  assert.match(publish('event', eventItem({ msg: 'm', level: EventLevel.Error })), /"msg":"m","level":0\}/)
})
