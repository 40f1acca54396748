// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressRefusal, hostRefusal, type RelayHostPolicy } from '../../../src/manager/relay/relay-hosts.ts'
import { readRelayUrl } from '../../../src/manager/relay/relay-url.ts'
import { siblingDomain } from '../../../src/manager/relay/sibling-domain.ts'

const policy = (cloudHost: string, more: Partial<RelayHostPolicy> = {}): RelayHostPolicy => ({
  cloudHost,
  ownAddresses: new Set(['127.0.0.1', '::1', '198.51.99.7', 'fe80::1']),
  ...more,
})
/** Whether a relay may be there, written as in the URL that the cloud sends. */
const allows = (host: string, one: RelayHostPolicy) =>
  hostRefusal(readRelayUrl(`wss://${host}/x`, false).host, one) === undefined

test('a relay may be at the cloud, below it and beside it', () => {
  const cloud = policy('api.devicewise.com')
  for (const host of ['api.devicewise.com', 'API.DeviceWise.com.', 'r1.api.devicewise.com', 'relay.devicewise.com'])
    assert.ok(allows(host, cloud), host)
  const others = [
    'devicewise.com',
    'devicewise.com.evil.test',
    'evildevicewise.com',
    'api.devicewise.com.evil.test',
    'evil.test',
    '93.184.216.34',
    'com',
  ]
  for (const host of others) assert.ok(!allows(host, cloud), host)
  assert.match(hostRefusal('evil.test', cloud) ?? '', /add "evil\.test" to remote_access\.relay_hosts/)
})

test('a parent that strangers share is none: public suffixes and hosting platforms', () => {
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['api.devicewise.com', 'devicewise.com'],
    ['a.b.devicewise.com', 'b.devicewise.com'],
    ['cloud.acme.de', 'acme.de'],
    ['cloud.acme.co.uk', 'acme.co.uk'],
    ['cloud.factory.local', 'factory.local'],
    ['devicewise.com', undefined],
    ['example.co.uk', undefined],
    ['example.com.au', undefined],
    ['example.ac.jp', undefined],
    ['example.gouv.fr', undefined],
    ['example.tokyo.jp', undefined],
    ['school.k12.ca.us', undefined],
    ['example.uk.com', undefined],
    ['box', undefined],
    ['box.local', undefined],
    ['mine.github.io', undefined],
    ['mine.global.ssl.fastly.net', undefined],
    ['mine.deno.dev', undefined],
    ['mine.azurewebsites.net', undefined],
    ['mine.eastus.cloudapp.azure.com', undefined],
    ['mine.eu-west-1.elb.amazonaws.com', undefined],
    ['mine.duckdns.org', undefined],
    ['10.0.0.5', undefined],
    ['fd00::5', undefined],
  ]
  for (const [host, parent] of rows) assert.equal(siblingDomain(host), parent, host)
  assert.ok(!allows('evil.co.uk', policy('example.co.uk')))
  assert.ok(allows('relay.example.co.uk', policy('example.co.uk')), 'a sub-domain of the cloud')
})

test('a cloud at an address has its relay there and nowhere else, however the address is written', () => {
  const cloud = policy('10.0.0.5')
  for (const host of ['10.0.0.5', '0xa.5', '167772165', '[::ffff:10.0.0.5]']) assert.ok(allows(host, cloud), host)
  for (const host of ['10.0.0.6', '127.0.0.1', '5', 'x.10.0.0.5.test']) assert.ok(!allows(host, cloud), host)
  assert.ok(allows('[fd00::5]', policy('[FD00:0::5]')))
})

test('relay_hosts takes the place of the rule: names, addresses and *.DOMAIN', () => {
  const own = policy('api.example.com', { relayHosts: ['Relay.acme.test', '*.r.acme.test', '10.0.0.5', '[fd00::7]'] })
  for (const host of ['relay.acme.test', 'a.b.r.acme.test', '10.0.0.5', '[fd00::7]']) assert.ok(allows(host, own), host)
  for (const host of ['api.example.com', 'r.acme.test', '10.0.0.6', 'xr.acme.test']) assert.ok(!allows(host, own), host)
  assert.ok(!allows('api.example.com', policy('api.example.com', { relayHosts: [] })), 'an empty list allows nobody')
  assert.ok(allows('xn--mnchen-3ya.test', policy('x.test', { relayHosts: ['münchen.test'] })))
})

test('the address that a name leads to is judged too', () => {
  const cloud = policy('api.example.com', { cloudAddress: '93.184.216.34' })
  const refused = ['127.0.0.1', '10.1.2.3', '169.254.169.254', '100.64.0.1', '::1', 'fe80::2%eth0', '::ffff:10.0.0.1']
  for (const address of refused) assert.match(addressRefusal(address, cloud) ?? '', /relay_hosts/, address)
  assert.equal(addressRefusal('93.184.216.35', cloud), undefined)
  assert.equal(addressRefusal('64:ff9b::5db8:d822', cloud), undefined, 'NAT64 of a public address')
  assert.match(addressRefusal('198.51.99.7', cloud) ?? '', /is this device itself/, 'whatever it looks like')

  const inHouse = policy('cloud.factory.local', { cloudAddress: '192.168.1.10' })
  assert.equal(addressRefusal('192.168.1.11', inHouse), undefined)
  assert.ok(addressRefusal('127.0.0.1', inHouse), 'of a kind that the cloud is not')
  assert.ok(addressRefusal('169.254.169.254', inHouse))
  assert.equal(addressRefusal('127.0.0.1', policy('localhost')), undefined)
  assert.equal(addressRefusal('10.0.0.5', policy('api.example.com', { relayHosts: ['x.test', '10.0.0.5'] })), undefined)
})

test('what is no place is refused: port 0, a login, empty labels', () => {
  assert.throws(() => readRelayUrl('wss://relay.test:0/x', false), /port 0/)
  assert.throws(() => readRelayUrl('wss://api.example.com@127.0.0.1/x', false), /user name/)
  assert.match(
    hostRefusal(`${'a.'.repeat(200)}api.example.com`, policy('api.example.com')) ?? '',
    /is not the name of a host/,
  )
  assert.match(hostRefusal('a..example.com', policy('api.example.com')) ?? '', /it is not the name of a host/)
})
