// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { networkPaths } from '../../../src/platform/system/network-paths.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

const head4 = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n'
const route4 = (use: number) => `eth0\t00000000\t0100000A\t0003\t0\t${use}\t100\t00000000\t0\t0\t0\n`
const zeros = '0'.repeat(32)
const route6 = (uses: string) =>
  `${zeros} 00 ${zeros} 00 fe80${'0'.repeat(27)}1 00000400 ${uses} 00000000 00450003     eth0\n`
const loopback6 = `${zeros} 00 ${zeros} 00 ${zeros} ffffffff 00000001 00000000 00200200       lo\n`

test('a route is an entry, and its use counts make no news', async t => {
  const root = tempDir(t)
  mkdirSync(join(root, 'proc/net'), { recursive: true })
  const look = (uses: number) => {
    writeFileSync(join(root, 'proc/net/route'), head4 + route4(uses))
    writeFileSync(join(root, 'proc/net/ipv6_route'), route6(`0000000${uses}`) + loopback6)
    return networkPaths(root)
  }
  const first = await look(1)
  const routes = [...first].filter(path => path.startsWith('route'))
  assert.deepEqual(routes, ['route eth0 00000000/00000000 0100000A', `route eth0 ${zeros}/00 fe80${'0'.repeat(27)}1`])
  assert.deepEqual(await look(7), first)
})

test('every address of this machine that is not internal is an entry; a machine without /proc has no routes', async t => {
  const addresses = Object.values(networkInterfaces())
    .flatMap(all => all ?? [])
    .filter(one => !one.internal)
  const found = await networkPaths(tempDir(t))
  assert.equal(found.size, new Set(addresses.map(one => one.address)).size)
})
