// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { relayTarget } from '../../../src/manager/relay/policy.ts'
import { readRelayUrl } from '../../../src/manager/relay/relay-url.ts'

const services = [{ name: 'SSH', port: 22 }]
const allow = ['plc.example.test:502', '[fd00::7]:22', 'localhost:8080']
const target = (host: string, port: number) => relayTarget({ host, port }, { services, allow })

test('localhost reaches the listed services, over IPv4 and IPv6 [TR50 6.5 rule 12]', () => {
  assert.deepEqual(target('localhost', 22).hosts, ['127.0.0.1', '::1'])
  assert.equal(target('localhost', 22).label, 'localhost:22 (SSH)')
  assert.deepEqual(target('127.0.0.1', 22).hosts, ['127.0.0.1'])
  assert.deepEqual(target('[::1]', 22).hosts, ['::1'])
})

test('remote_access.allow admits exactly the host and port that it names', () => {
  assert.deepEqual(target('PLC.example.test', 502).hosts, ['plc.example.test'])
  assert.deepEqual(target('fd00::7', 22).hosts, ['fd00::7'])
  assert.equal(target('localhost', 8080).label, 'localhost:8080')
})

test('everything else is refused, and names the settings that decide [M12]', () => {
  const rows: readonly (readonly [string, number])[] = [
    ['localhost', 23],
    ['127.0.0.1', 8080],
    ['127.0.0.2', 22],
    ['0.0.0.0', 22],
    ['::ffff:127.0.0.1', 22],
    ['localhost.', 22],
    ['127.1', 22],
    ['2130706433', 22],
    ['192.168.1.1', 22],
    ['plc.example.test', 503],
    ['plc.example.test.evil.test', 502],
  ]
  for (const [host, port] of rows) {
    assert.throws(
      () => target(host, port),
      { code: 'POLICY_REFUSED', message: /remote_access\.allow/ },
      `${host}:${port}`,
    )
  }
  assert.throws(() => target('localhost', 23), /port 23 is not in remote_access_support of iot\.cfg/)
})

test('a relay is reached over TLS, unless the cloud itself is not', () => {
  assert.deepEqual(readRelayUrl('wss://relay.test/ws-relay/1?a=b', false), {
    host: 'relay.test',
    port: 443,
    tls: true,
    path: '/ws-relay/1?a=b',
  })
  assert.equal(readRelayUrl('https://relay.test:9000/x', false).port, 9000)
  assert.equal(readRelayUrl('wss://[::1]:9000/x', false).host, '::1')
  // The C agent knows port 443 as TLS [TR50 6.1].
  assert.equal(readRelayUrl('ws://relay.test:443/x', false).tls, true)
  assert.throws(() => readRelayUrl('ws://relay.test/x', false), /without TLS is refused.*cloud\.transport/)
  assert.equal(readRelayUrl('ws://relay.test:9000/x', true).tls, false)
})

test('what is no URL of a relay is refused without being quoted', () => {
  for (const url of ['', 'relay', 'ftp://h/secret', 'wss://user:secret@h/', 'javascript:secret']) {
    assert.throws(
      () => readRelayUrl(url, true),
      (error: Error) => !error.message.includes('secret'),
      url,
    )
  }
})

test('a service whose command is closed is refused with the reason, also where remote_access.allow has its port', () => {
  const closed = [{ name: 'console', port: 8080, command: ['/bin/login'], closed: 'closed because of a mistake' }]
  assert.throws(() => relayTarget({ host: 'localhost', port: 8080 }, { services: closed, allow }), {
    code: 'POLICY_REFUSED',
    message: /localhost:8080 is refused: the command of this service is closed because of a mistake/,
  })
})
