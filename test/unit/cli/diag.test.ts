// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { knownSecrets } from '../../../src/cli/diag/known-secrets.ts'
import { type PartReport, packParts } from '../../../src/cli/diag/pack.ts'
import type { Part } from '../../../src/cli/diag/part.ts'
import { Redaction } from '../../../src/cli/diag/redaction.ts'
import { configFolder } from '../../helpers/config-folder.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { unpackArchive } from '../../helpers/unpacked-archive.ts'

test('removes a known secret in every spelling, and keeps JSON valid', () => {
  const secret = 'p"ä/ss\\wort?'
  const redaction = new Redaction([secret, 'bob', 'ab'])
  const inside = JSON.stringify({ said: JSON.stringify({ it: `x ${secret} y` }), plain: secret, ab: 1 })
  const clean = redaction.clean(inside)
  assert.deepEqual(JSON.parse(clean), { said: '{"it":"x [hidden] y"}', plain: '[hidden]', ab: 1 })
  for (const spelling of [
    secret,
    encodeURIComponent(secret),
    Buffer.from(secret).toString('base64'),
    'p\\"\\u00e4/ss\\\\wort?',
    'bob',
  ])
    assert.equal(redaction.clean(`1 ${spelling} 2`), '1 [hidden] 2', spelling)
  assert.equal(new Redaction([]).clean('nothing'), 'nothing')
  assert.equal(new Redaction(['hidden', 'idd']).clean('a hidden idd'), 'a [hidden] [hidden]')
})

const looksLikeSecret: readonly (readonly [text: string, clean: string])[] = [
  ['password=hunter2, next', 'password=[hidden], next'],
  ['{"cloud.token": "s3", "port": 443}', '{"cloud.token": "[hidden]", "port": 443}'],
  ['{"a":"{\\"sessionId\\":\\"s3\\",\\"n\\":1}"}', '{"a":"{\\"sessionId\\":\\"[hidden]\\",\\"n\\":1}"}'],
  ['{"token":1234,"n":1}', '{"token":"[hidden]","n":1}'],
  ['{"secret":true,"token":null}', '{"secret":true,"token":null}'],
  ['token="a\\"b" c', 'token="[hidden]" c'],
  ['Proxy-Authorization: Basic Ym9iOmJvYg== x', 'Proxy-Authorization: [hidden] [hidden] x'],
  ['sent Bearer abcdefgh.ijk x', 'sent Bearer [hidden] x'],
  ['http://bob:pw@proxy:3128', 'http://[hidden]@proxy:3128'],
  ['"wss://relay.example/abc?key=1" x', '"wss://relay.example/[hidden]" x'],
  ['https://cloud.example/file/0123456789', 'https://cloud.example/[hidden]'],
  ['GET /file/0123456789abcdef 200', 'GET /file/[hidden] 200'],
  ['//nas/x /mnt cifs rw,username=bob,uid=0 0 0', '//nas/x /mnt cifs rw,username=[hidden],uid=0 0 0'],
  ['-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----\nafter', '[hidden]\nafter'],
  ['https://cloud.example:8443 and 12:34:56 are fine', 'https://cloud.example:8443 and 12:34:56 are fine'],
]

for (const [text, clean] of looksLikeSecret)
  test(`what looks like a secret goes: ${JSON.stringify(text).slice(0, 40)}`, () => {
    const cleaned = new Redaction([]).clean(text)
    if (clean.startsWith('Proxy-Authorization')) assert.ok(!cleaned.includes('Ym9iOmJvYg'), cleaned)
    else assert.equal(cleaned, clean)
  })

test('1 MB of hostile text is cleaned in linear time, and its secret is removed', () => {
  const redaction = new Redaction(['S3CRET'])
  const mb = (text: string) => text.repeat(Math.ceil((1024 * 1024) / text.length))
  for (const hostile of [
    ...['a', 'a.', 'a-', 'token', 'token=', 'token:', 'token ', 'token="', 'token=\\"', "token='", 'token\\', 'to'],
    ...['\\', '"', ' ', '\n', 'http://', 'http://a', 'a://', '://', '/file/', 'basic ', 'basic\n'],
    ...['-----BEGIN ', '-----BEGIN PRIVATE KEY-----', '-----END ', 'PRIVATE KEY', 'A '],
    ...['token="\\\\', 'token="\\\\x"', 'S3CRE'],
  ])
    assert.match(redaction.clean(`${mb(hostile)}\n S3CRET`), /\[hidden\]/, hostile)
  // One value, with a long run of what its own end could be.
  assert.equal(redaction.clean(`token="${mb('\\\\')}x"`), 'token="[hidden]"')
  assert.equal(redaction.clean(`password=${mb('x')}`), 'password=[hidden]')
})

test('knows the secrets of settings, environment and every connection file, broken ones too', async t => {
  const configDir = configFolder(t, {
    'iot-connect.cfg': '{"cloud": {"token": "to\\"ken-1", }, "proxy": {"username": "bobby", "password": "pw-2"',
    'hello-connect.cfg': '{\'token\': \'token-3\', "cloud": {"token": "token-4"}}',
    'iot.cfg': '{"token": "of no connection"}',
  })
  const secrets = await knownSecrets({
    configDir,
    connectionFile: `${configDir}/iot-connect.cfg`,
    environment: { DEVICE_CLOUD_CLOUD_TOKEN: 'token-5', DEVICE_CLOUD_OPERATOR_PASSWORD: 'pw-6', HOME: '/root' },
  })
  for (const secret of ['to"ken-1', 'bobby', 'pw-2', 'token-3', 'token-4', 'token-5', 'pw-6'])
    assert.ok(secrets.includes(secret), secret)
  assert.ok(!secrets.includes('/root') && !secrets.includes('of no connection'))
})

async function packed(parts: readonly Part[], limits?: { partBytes: number; allBytes: number; partMs: number }) {
  const reports: PartReport[] = []
  const chunks: Uint8Array[] = []
  const redaction = new Redaction(['S3CRET'])
  const onPart = (report: PartReport) => void reports.push(report)
  const what = { folder: 'x', parts, redaction, clock: new FakeClock(), onPart, ...(limits ? { limits } : {}) }
  for await (const chunk of packParts(what)) chunks.push(chunk)
  return { ...unpackArchive(Buffer.concat(chunks)), reports }
}

test('packs the parts that it gets; a failed part says why, and the others still follow', async () => {
  const { files, bytes, reports } = await packed([
    { name: 'one.txt', about: 'one', gather: async () => 'the S3CRET of one\n' },
    {
      name: 'two.txt',
      about: 'two',
      gather: async () => {
        throw new TypeError('no S3CRET here')
      },
    },
    { name: 'three.txt', about: 'three', gather: async () => '' },
  ])
  assert.deepEqual([...files.keys()], ['README.txt', 'one.txt', 'three.txt', 'summary.json'])
  assert.equal(files.get('one.txt'), 'the [hidden] of one\n')
  const { parts } = JSON.parse(files.get('summary.json') ?? '')
  assert.deepEqual(
    parts.map((part: PartReport) => [part.outcome, part.why]),
    [
      ['there', undefined],
      ['failed', 'INTERNAL: no [hidden] here'],
      ['there', undefined],
    ],
  )
  assert.equal(reports.length, 3)
  assert.ok(!bytes.includes('S3CRET'))
})

test('bounds each part and the archive, and removes a secret before it cuts', async () => {
  const long = (name: string) => ({
    name,
    about: name,
    gather: async () => `${'x'.repeat(97)}S3CRET${'y'.repeat(1000)}`,
  })
  const limits = { partBytes: 100, allBytes: 250, partMs: 1000 }
  const { files, bytes, reports } = await packed(['a', 'b', 'c', 'd'].map(long), limits)
  assert.deepEqual(
    reports.map(({ outcome, bytes }) => [outcome, bytes]),
    [
      ['cut', 100],
      ['cut', 100],
      ['cut', 50],
      ['failed', 0],
    ],
  )
  assert.equal(files.get('a'), `${'x'.repeat(97)}[hi`)
  assert.ok(!bytes.includes('S3C'))
})
