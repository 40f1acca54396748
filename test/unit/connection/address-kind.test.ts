// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressKind, isSameAddress } from '../../../src/connection/names/address-kind.ts'

const kinds = {
  public: [
    '8.8.8.8',
    '172.32.0.1',
    '100.128.0.1',
    '2606:4700::1111',
    '64:ff9b::808:808',
    '2002:808:808::1',
    '::8.8.8.8',
  ],
  loopback: [
    '127.0.0.1',
    '127.255.255.255',
    '0.0.0.0',
    '::1',
    '::',
    '::ffff:127.0.0.1',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
  ],
  'link-local': ['169.254.169.254', 'fe80::1', 'fe80::1%eth0', 'febf::1', '::ffff:a9fe:a9fe'],
  private: [
    '10.0.0.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.0.1',
    '100.64.0.1',
    '100.127.255.255',
    'fd00::1',
    'fc00::1',
    'fec0::1',
    '::ffff:10.0.0.1',
    '::ffff:0:10.0.0.1',
    '64:ff9b::a00:1',
    '64:ff9b:1::1',
  ],
  reserved: [
    '224.0.0.1',
    '255.255.255.255',
    '198.18.0.1',
    '192.0.2.1',
    'ff02::1',
    '2001::1',
    '2001:db8::1',
    '4000::1',
    'x',
    '',
  ],
} as const

for (const [kind, addresses] of Object.entries(kinds)) {
  test(`${kind} addresses are known as such, also inside of IPv6`, () => {
    for (const address of addresses) assert.equal(addressKind(address), kind, address)
  })
}

test('an address is the same however it is written', () => {
  assert.ok(isSameAddress('::ffff:10.0.0.1', '10.0.0.1'))
  assert.ok(isSameAddress('FD00:0:0::7', 'fd00::7'))
  assert.ok(!isSameAddress('10.0.0.1', '10.0.0.2'))
  assert.ok(!isSameAddress('x', 'x'))
})
