// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSixFirst, sortFamilies } from '../../../src/connection/names/family-order.ts'

/** IPv4 that works. */
const four = { to: '93.184.216.34', from: '192.168.1.2' }

test('the family with the better way comes first, as the C library sorts [RFC 6724 6]', () => {
  const cases: readonly (readonly [to: string, from: string | undefined, isFirst: boolean, why: string])[] = [
    ['2600::1', '2600::2', true, 'both work'],
    ['2600::1', undefined, false, 'no route for IPv6'],
    ['2600::1', 'fd00::2', false, 'only a local address for a global one'],
    ['2600::1', 'fe80::2', false, 'only a link-local address for a global one'],
    ['2600::1', '2002:c000:204::2', false, 'only 6to4 for a native one'],
    ['fd00::1', 'fd00::2', false, 'unique local addresses stand below IPv4'],
    ['2001:0:1::1', '2001:0:2::2', false, 'Teredo stands below IPv4'],
  ]
  for (const [to, from, isFirst, why] of cases) assert.equal(isSixFirst({ to, from }, four), isFirst, why)
  assert.equal(isSixFirst({ to: '2600::1', from: 'fd00::2' }, { to: four.to, from: undefined }), true, 'no other way')
  assert.equal(isSixFirst({ to: '::1', from: '::1' }, { to: '127.0.0.1', from: '127.0.0.1' }), true, 'loopback')
})

test('inside of a family the order of the name server stays', async () => {
  const addresses = ['127.0.0.3', '127.0.0.1', '127.0.0.2'].map(address => ({ address, family: 4 as const }))
  assert.deepEqual(await sortFamilies(addresses), addresses)
  // An address of IPv6 without any way to it, also where there is IPv6.
  const unreachable = { address: '3fff::1', family: 6 as const }
  const sorted = await sortFamilies([unreachable, ...addresses])
  assert.deepEqual(
    sorted.filter(({ family }) => family === 4),
    addresses,
  )
  assert.equal(sorted.length, 4)
})
