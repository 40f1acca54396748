import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FrameGuard } from '../../../src/cloud/frame-guard.ts'
import { readRange } from '../../../src/cloud/http/range.ts'
import { readOptions } from '../../../src/cloud/options.ts'
import { hideSecrets } from '../../../src/cloud/secrets.ts'
import { parseTimestamp } from '../../../src/cloud/timestamp.ts'
import { Transcript } from '../../../src/cloud/transcript.ts'

test('a Range header is read as RFC 9110 says', () => {
  assert.deepEqual(readRange('bytes=2-', 10), { start: 2, end: 9 })
  assert.deepEqual(readRange('bytes=2-4', 10), { start: 2, end: 4 })
  assert.deepEqual(readRange('bytes=2-99', 10), { start: 2, end: 9 })
  assert.deepEqual(readRange('bytes=-3', 10), { start: 7, end: 9 })
  assert.equal(readRange('bytes=10-', 10), 'unsatisfiable')
  assert.equal(readRange('bytes=0-', 0), 'unsatisfiable')
  for (const ignored of [undefined, 'bytes=4-2', 'lines=1-2', 'bytes=0-1,3-4', 'bytes=-'])
    assert.equal(readRange(ignored, 10), undefined)
})

test('a packet above the limit is seen by its header, however the bytes are cut', () => {
  const small = [0x30, 0x05, 1, 2, 3, 4, 5]
  const large = [0x30, 0x80, 0x80, 0x01]
  for (const size of [1, 2, 3, 100]) {
    const guard = new FrameGuard(100)
    const verdicts: boolean[] = []
    const bytes = Uint8Array.from([...small, ...small, ...large])
    for (let at = 0; at < bytes.length; at += size) verdicts.push(guard.accepts(bytes.subarray(at, at + size)))
    assert.equal(verdicts.at(-1), false, `in pieces of ${size}`)
    assert.ok(verdicts.slice(0, Math.floor(14 / size)).every(Boolean))
  }
  assert.equal(new FrameGuard(1e9).accepts(Uint8Array.from([0x30, 0xff, 0xff, 0xff, 0xff])), false)
})

test('no password and no token gets into the transcript', () => {
  const transcript = new Transcript()
  const auth = {
    command: 'api.authenticate',
    params: { username: 'u', password: 'p4ss', appToken: 't0k', nested: [{ token: 'x1' }] },
  }
  transcript.add({
    kind: 'http',
    direction: 'in',
    connection: 'c1',
    topic: 'POST /api',
    text: JSON.stringify({ auth }),
  })
  const [entry] = transcript.since(0, () => true, 10)
  assert.match(entry?.text ?? '', /"username":"u"/)
  for (const secret of ['p4ss', 't0k', 'x1']) assert.ok(!entry?.text?.includes(secret), secret)
  assert.equal(hideSecrets('password=abc, not JSON'), '(hidden)')
  assert.equal(hideSecrets('{"key":"temp"}'), '{"key":"temp"}')
})

test('who waits for the transcript is woken by what it waits for', async () => {
  const transcript = new Transcript()
  const waiting = transcript.wait(0, entry => entry.topic === 'b', 10, 10_000)
  transcript.event('c1', 'a')
  transcript.event('c1', 'b')
  assert.deepEqual(
    (await waiting).map(entry => entry.seq),
    [2],
  )
  assert.deepEqual(await transcript.wait(2, () => true, 10, 1), [])
})

test('timestamps have a zone, and may have fractions finer than a millisecond', () => {
  assert.equal(parseTimestamp('2024-03-05T10:11:12.000345Z'), Date.UTC(2024, 2, 5, 10, 11, 12) + 0.345)
  assert.equal(parseTimestamp('2024-03-05T12:11:12+02:00'), Date.UTC(2024, 2, 5, 10, 11, 12))
  assert.equal(parseTimestamp('2024-03-05T05:11:12-05:00'), Date.UTC(2024, 2, 5, 10, 11, 12))
  for (const wrong of ['', '2024-03-05', '2024-03-05T10:11:12', '2024-02-30T10:11:12Z', '2024-03-05T25:11:12Z'])
    assert.equal(parseTimestamp(wrong), undefined, wrong)
})

test('a wrong command line is refused with what is wrong', () => {
  assert.throws(() => readOptions(['--mqtt', '70000']), /--mqtt 70000: a number from 0 to 65535/)
  assert.throws(() => readOptions(['--nosuch']), /nosuch/)
  assert.throws(() => readOptions(['--token', '']), /--token is empty/)
  const options = readOptions(['--', '--mqtt', '0'])
  assert.ok(options !== 'help' && options.mqtt === 0 && options.https === 8443)
})
