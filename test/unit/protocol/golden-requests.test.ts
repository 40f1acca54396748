import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
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
  thingFind,
  thingUpdate,
} from '../../../src/protocol/commands.ts'
import { encodeRequest } from '../../../src/protocol/envelope.ts'
import {
  alarmBatch,
  alarmPublish,
  attributeBatch,
  attributePublish,
  EventLevel,
  locationBatch,
  locationPublish,
  logPublish,
  propertyBatch,
  propertyPublish,
} from '../../../src/protocol/samples.ts'

const golden = JSON.parse(
  readFileSync(new URL('../../fixtures/wire/agent-requests.json', import.meta.url), 'utf8'),
) as Record<string, { payload: string }>

const text = (...commands: Command[]) => encodeRequest(commands).text

const requests: Record<string, readonly Command[]> = {
  'two events': [logPublish('K', { msg: 'e', ts: 'T' }), logPublish('K', { msg: 'f', ts: 'T' })],
  'one alarm': [alarmBatch('K', [{ republish: true, msg: 'm', ts: 'T', state: 1, key: 'door' }])],
  'one attribute': [attributeBatch('K', [{ key: 'k', value: 'v', ts: 'T' }])],
  'one location': [locationBatch('K', [{ lat: 1, lng: 2, ts: 'T' }])],
  'one property': [propertyBatch('K', [{ key: 'p', value: 1.5, ts: 'T' }])],
  progress: [mailboxUpdate({ id: 'id1', msg: 'Invoked' })],
  'acknowledgement with params': [mailboxAck({ id: 'id3', errorCode: 0, errorMessage: '', params: { a: 1 } })],
  ping: [diagPing()],
  time: [diagTime()],
  'thing update': [thingUpdate('K', { unset: ['desc'], name: 'N' })],
  'mailbox check': [mailboxCheck()],
  upload: [filePut('K', { fileName: 'u.txt', crc32: 907060870 })],
  download: [fileGet('K', { fileName: 'u.txt' })],
}

for (const [scene, { payload }] of Object.entries(golden)) {
  test(`the wire form of ${scene} is the recorded one [TR50 appendix A]`, () => {
    const commands = requests[scene]
    assert.ok(commands, `no commands for ${scene}`)
    assert.equal(text(...commands), payload)
  })
}

test('what is absent, undefined or null is not sent, so batches carry no nulls and no made-up defaults [H31]', () => {
  const location = { lat: 1, lng: 2, heading: undefined, fixType: null } as never
  assert.equal(
    text(locationBatch('K', [location])),
    '{"1":{"command":"location.batch","params":{"thingKey":"K","data":[{"lat":1,"lng":2}]}}}',
  )
})

test('aggregate and corrId are sent under their own names [H31]', () => {
  assert.equal(
    text(propertyPublish('K', { key: 'p', value: 2, ts: 'T', corrId: 'c', aggregate: true })),
    '{"1":{"command":"property.publish","params":{"thingKey":"K","key":"p","value":2,"ts":"T","corrId":"c","aggregate":true}}}',
  )
  assert.match(text(locationPublish('K', { lat: 1, lng: 2, corrId: 'c' })), /"corrId":"c"/)
})

test('the commands that the Python agent had builders for have the same form', () => {
  assert.equal(
    text(alarmPublish('K', { key: 'a', state: 2, ts: 'T' })),
    '{"1":{"command":"alarm.publish","params":{"thingKey":"K","key":"a","state":2,"ts":"T"}}}',
  )
  assert.equal(
    text(attributePublish('K', { key: 'a', value: '' })),
    '{"1":{"command":"attribute.publish","params":{"thingKey":"K","key":"a","value":""}}}',
  )
  assert.equal(text(diagEcho({ b: 1, a: null })), '{"1":{"command":"diag.echo","params":{"b":1,"a":null}}}')
  assert.equal(text(thingFind('K')), '{"1":{"command":"thing.find","params":{"key":"K"}}}')
  assert.equal(
    text(propertyCurrent('K', 'p')),
    '{"1":{"command":"property.current","params":{"thingKey":"K","key":"p"}}}',
  )
  assert.equal(text(mailboxCheck(5)), '{"1":{"command":"mailbox.check","params":{"autoComplete":false,"limit":5}}}')
  assert.match(text(logPublish('K', { msg: 'm', level: EventLevel.Error })), /"msg":"m","level":0\}/)
})
