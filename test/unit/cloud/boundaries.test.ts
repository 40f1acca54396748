// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readRange } from '../../../src/cloud/http/range.ts'
import { FrameGuard } from '../../../src/cloud/mqtt/frame-guard.ts'
import { readOptions } from '../../../src/cloud/options.ts'
import { hideSecrets } from '../../../src/cloud/traffic/hide-secrets.ts'
import { Transcript } from '../../../src/cloud/traffic/transcript.ts'
import { canonical, parseJson } from '../../../src/cloud/values/json.ts'
import { parseTimestamp } from '../../../src/cloud/values/timestamp.ts'

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
    const guard = new FrameGuard(bytes => bytes <= 100)
    const verdicts: boolean[] = []
    const bytes = Uint8Array.from([...small, ...small, ...large])
    for (let at = 0; at < bytes.length; at += size) verdicts.push(guard.accepts(bytes.subarray(at, at + size)))
    assert.equal(verdicts.at(-1), false, `in pieces of ${size}`)
    assert.ok(verdicts.slice(0, Math.floor(14 / size)).every(Boolean))
  }
  assert.equal(new FrameGuard(bytes => bytes <= 1e9).accepts(Uint8Array.from([0x30, 0xff, 0xff, 0xff, 0xff])), false)
})

test('JSON that is nested too deep is refused, and brackets in a string do not count', () => {
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
  assert.notEqual(parseJson(nested(1000)), undefined)
  assert.equal(parseJson(nested(1001)), undefined)
  assert.equal(parseJson(`${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`), undefined)
  const text = `\\"${'[{'.repeat(2000)}`
  assert.equal(parseJson(JSON.stringify(text)), text)
  assert.deepEqual(parseJson(`[${'[],'.repeat(5000)}1]`)?.toString().length, 5001)
  assert.doesNotThrow(() => JSON.stringify(canonical(parseJson(nested(1000)))))
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

test('a caller that waits for the transcript is woken by an entry that it waits for', async () => {
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

test('where other machines can reach the cloud, widely known secrets are refused', () => {
  const good = 'q7Vt2-long-enough'
  for (const host of ['0.0.0.0', '::', '192.168.1.5', 'box.test', 'localhost.test', '128.0.0.1']) {
    const at = ['--host', host]
    assert.throws(
      () => readOptions(at, {}),
      /token of devices is widely known\. Choose another one with --token\./,
      host,
    )
    for (const [secret, why] of [
      ['demo', /widely known/],
      ['Admin', /widely known/],
      ['alice', /widely known/],
      ['a1b2c3d', /shorter than 8 characters/],
    ] as const) {
      assert.throws(() => readOptions([...at, '--user', 'alice', '--token', secret], {}), why)
      const password = [...at, '--user', 'alice', '--token', good, '--password', secret]
      assert.throws(
        () => readOptions(password, {}),
        (error: Error) => why.test(error.message) && /--password/.test(error.message),
      )
      const fromEnvironment = { DEVICE_CLOUD_OPERATOR_PASSWORD: secret }
      assert.throws(() => readOptions([...at, '--user', 'alice', '--token', good], fromEnvironment), why)
    }
    assert.notEqual(readOptions([...at, '--token', good], {}), 'help')
  }
  for (const host of ['127.0.0.1', '127.1.2.3', '::1', 'localhost', 'LOCALHOST', 'box.localhost'])
    assert.notEqual(readOptions(['--host', host, '--password', 'admin'], {}), 'help', host)
})

test('the password comes from the command line, else the environment, else none is chosen', () => {
  const passwordOf = (argv: string[], env: NodeJS.ProcessEnv) => {
    const options = readOptions(argv, env)
    return options === 'help' ? '' : options.password
  }
  const env = { DEVICE_CLOUD_OPERATOR_PASSWORD: 'from-env' }
  assert.equal(passwordOf(['--password', 'given'], env), 'given')
  assert.equal(passwordOf([], env), 'from-env')
  assert.equal(passwordOf([], { DEVICE_CLOUD_OPERATOR_PASSWORD: '' }), undefined)
  assert.equal(passwordOf([], {}), undefined)
  assert.throws(() => passwordOf(['--password', ''], env), /--password is empty/)
})

test('a mistake on the command line is a whole sentence, which main.ts ends with a pointer at --help', () => {
  for (const argv of [['--nope'], ['word'], ['--mqtt'], ['--mqtt', 'x'], ['--token', '']])
    assert.throws(() => readOptions(argv, {}), { name: 'Error', message: /[^.]\.$/ }, argv.join(' '))
})

test('a --name is a host name or an address', () => {
  const options = readOptions(['--name', 'Box.Test', '--name', '10.0.2.2', '--name', 'fd00::1'], {})
  assert.deepEqual(options !== 'help' && options.names, ['box.test', '10.0.2.2', 'fd00::1'])
  for (const wrong of [
    '',
    'box test',
    'https://box.test',
    'box.test:8443',
    '*.test',
    'box..test',
    '-',
    'a/b',
    'x'.repeat(300),
  ])
    assert.throws(() => readOptions(['--name', wrong], {}), /--name .*a host name or an address/, wrong)
})

test('an invalid command line is refused with the reason', () => {
  assert.throws(() => readOptions(['--mqtt', '70000']), /--mqtt 70000: give a number from 0 to 65535\./)
  assert.throws(() => readOptions(['--nosuch']), /nosuch/)
  assert.throws(() => readOptions(['--token', '']), /--token is empty/)
  const options = readOptions(['--', '--mqtt', '0'])
  assert.ok(options !== 'help' && options.mqtt === 0 && options.https === 8443)
})
