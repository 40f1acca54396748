// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { readHealth } from '../../../src/platform/system/health.ts'
import { readMacAddress } from '../../../src/platform/system/mac-address.ts'
import { readOsRelease } from '../../../src/platform/system/os-release.ts'
import { readBootId, readSystemFacts } from '../../../src/platform/system/system-facts.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

/** A folder that stands for `/`, with these files. */
function rootWith(t: TestContext, files: Readonly<Record<string, string>>): string {
  const root = tempDir(t)
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return root
}

const systems: readonly (readonly [string, Record<string, string>, string, string])[] = [
  ['Ubuntu', { 'etc/os-release': 'NAME="Ubuntu"\nVERSION_ID="16.04"\nVERSION="16.04 LTS"\n' }, 'Ubuntu', '16.04'],
  ['Buildroot', { 'etc/os-release': "NAME=Buildroot\nVERSION='2023.02'\nID=buildroot\n" }, 'Buildroot', '2023.02'],
  ['an os-release in /usr/lib', { 'usr/lib/os-release': 'ID=poky\nVERSION_ID=4.0\n' }, 'poky', '4.0'],
  [
    'Debian testing',
    { 'etc/os-release': 'NAME="Debian GNU/Linux"\n', 'etc/debian_version': 'trixie/sid\n' },
    'Debian GNU/Linux',
    'trixie/sid',
  ],
  ['old OpenWrt', { 'etc/openwrt_release': "DISTRIB_ID='OpenWrt'\nDISTRIB_RELEASE='15.05'\n" }, 'OpenWrt', '15.05'],
  ['old Alpine', { 'etc/alpine-release': '3.4.6\n' }, 'Alpine Linux', '3.4.6'],
]
for (const [what, files, name, version] of systems) {
  test(`tells the name and version of ${what}`, async t => {
    assert.deepEqual(await readOsRelease(rootWith(t, files)), { name, version })
  })
}

test('a bare BusyBox system without any file has the name of its kernel', async t => {
  const kernel = execFileSync('uname', ['-r'], { encoding: 'utf8' }).trim()
  assert.deepEqual(await readOsRelease(rootWith(t, {})), { name: 'Linux', version: kernel })
})

test('tells architecture, host name and kernel as uname does', async () => {
  const facts = await readSystemFacts()
  const [architecture, hostname, kernel] = ['-m', '-n', '-r'].map(flag =>
    execFileSync('uname', [flag], { encoding: 'utf8' }).trim(),
  )
  assert.deepEqual([facts.architecture, facts.hostname, facts.kernel], [architecture, hostname, kernel])
})

const routeHead = 'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n'
const cards = {
  'sys/class/net/lo/address': '00:00:00:00:00:00\n',
  'sys/class/net/eth0/address': '02:AA:00:00:00:01\n',
  'sys/class/net/eth0/device/uevent': '',
  'sys/class/net/docker0/address': '02:42:00:00:00:02\n',
  'sys/class/net/wwan0/address': '02:bb:00:00:00:0f\n',
  'sys/class/net/wwan0/device/uevent': '',
}

test('the hardware address is that of the default route, with all twelve digits', async t => {
  const route = `${routeHead}eth0\t00000000\t0100000A\t0003\t0\t0\t200\t00000000\t0\t0\t0\nwwan0\t00000000\t0100000B\t0003\t0\t0\t100\t00000000\t0\t0\t0\neth0\t0000000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n`
  assert.equal(await readMacAddress(rootWith(t, { ...cards, 'proc/net/route': route })), '02:bb:00:00:00:0f')
})

test('without IPv4 the default route of IPv6 decides', async t => {
  const zeros = '0'.repeat(32)
  const route = `${zeros} 00 ${zeros} 00 fe80${'0'.repeat(28)} 00000400 00000001 00000000 00450003    wwan0\n`
  const root = rootWith(t, { ...cards, 'proc/net/route': routeHead, 'proc/net/ipv6_route': route })
  assert.equal(await readMacAddress(root), '02:bb:00:00:00:0f')
})

test('without a default route the first real card decides, never a bridge or the loopback', async t => {
  assert.equal(await readMacAddress(rootWith(t, cards)), '02:aa:00:00:00:01')
  assert.equal(await readMacAddress(rootWith(t, { 'sys/class/net/lo/address': '00:00:00:00:00:00' })), undefined)
})

test('an interface without a hardware address (a modem) leaves the choice to the others', async t => {
  const route = `${routeHead}ppp0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n`
  const root = rootWith(t, { ...cards, 'sys/class/net/ppp0/address': '\n', 'proc/net/route': route })
  assert.equal(await readMacAddress(root), '02:aa:00:00:00:01')
})

test('takes a health sample from /proc and /sys', async t => {
  const root = rootWith(t, {
    'proc/loadavg': '0.52 0.58 0.59 1/389 12345\n',
    'proc/meminfo': 'MemTotal:  125952 kB\nMemFree:  10000 kB\nMemAvailable:  50000 kB\n',
    'proc/uptime': '350735.47 234388.90\n',
    'sys/class/thermal/thermal_zone0/temp': '45123\n',
    'sys/class/thermal/thermal_zone1/temp': '-273200\n',
    'sys/class/thermal/thermal_zone2/temp': '61\n',
    'sys/class/thermal/cooling_device0/temp': '99000\n',
  })
  const { ownMemoryBytes, diskFreeBytes, diskTotalBytes, ...sample } = await readHealth(root, root)
  assert.deepEqual(sample, {
    load: [0.52, 0.58, 0.59],
    memoryTotalBytes: 125952 * 1024,
    memoryAvailableBytes: 50000 * 1024,
    uptimeS: 350735.47,
    temperatureC: 61,
  })
  assert.ok((ownMemoryBytes ?? 0) > 0 && (diskTotalBytes ?? 0) >= (diskFreeBytes ?? -1))
})

test('an old kernel without MemAvailable, and one that tells nothing', async t => {
  const old = rootWith(t, { 'proc/meminfo': 'MemTotal: 100 kB\nMemFree: 10 kB\nBuffers: 5 kB\nCached: 20 kB\n' })
  assert.equal((await readHealth(old, old)).memoryAvailableBytes, 35 * 1024)
  const bare = rootWith(t, {})
  const { load, memoryTotalBytes, uptimeS, temperatureC } = await readHealth(bare, bare)
  assert.deepEqual([load, memoryTotalBytes, uptimeS, temperatureC], [undefined, undefined, undefined, undefined])
})

test('the boot id is there on this machine, and falls back to the second of the boot', async t => {
  assert.match((await readBootId()) ?? '', /^[0-9a-f-]{36}$/)
  const old = rootWith(t, { 'proc/stat': 'cpu 1 2\nbtime 1700000000\nprocesses 5\n' })
  assert.equal(await readBootId(old), 'btime-1700000000')
  assert.equal(await readBootId(rootWith(t, {})), undefined)
})
