// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import {
  addressesInHosts,
  hasOtherSources,
  resolverRules,
  searchedNames,
} from '../../../src/connection/names/name-files.ts'
import { NameLookUp } from '../../../src/connection/names/name-look-up.ts'
import { eventually } from '../../helpers/eventually.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { type NameAnswer, startNameServer } from '../../helpers/name-server.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

const four = '127.0.0.7'
const six = 'fe80:0:0:0:0:0:0:7'
const never = new AbortController().signal

interface System {
  readonly hosts?: string
  readonly resolv?: string
  readonly nsswitch?: string
}

/** A system with these files, and a name server that says this. */
async function systemWith(
  t: TestContext,
  files: System,
  answer: (type: 'A' | 'AAAA', name: string) => NameAnswer = () => 'no such name',
) {
  const root = tempDir(t)
  mkdirSync(join(root, 'etc'))
  const write = (name: string, text: string | undefined) =>
    text === undefined ? undefined : writeFileSync(join(root, 'etc', name), text)
  write('hosts', files.hosts)
  write('resolv.conf', files.resolv)
  write('nsswitch.conf', files.nsswitch)
  const server = await startNameServer(t, answer)
  const clock = new FakeClock()
  const names = new NameLookUp({ root, servers: [server.place], clock })
  const look = async (name: string, signal = never) =>
    (await names.addressesOf(name, signal)).map(({ address }) => address)
  return { look, server, clock, write }
}

/** A `getent` of its own in front of the system's, or none at all. */
function getentOf(t: TestContext, script: string | undefined): void {
  const folder = tempDir(t)
  const path = process.env.PATH
  t.after(() => {
    process.env.PATH = path
  })
  if (script !== undefined) writeFileSync(join(folder, 'getent'), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  process.env.PATH = script === undefined ? folder : `${folder}:${path}`
}

test('the hosts file comes first: every address of a name or alias, whatever its case, and no name server is asked', async t => {
  const hosts = [
    '# 127.0.0.9 cloud',
    '127.0.0.1 localhost',
    `${four}\tCloud.Example.test cloud # ours`,
    '127.0.0.8 cloud',
    'nonsense cloud',
  ].join('\n')
  const { look, server } = await systemWith(t, { hosts })
  assert.deepEqual(await look('cloud'), [four, '127.0.0.8'])
  assert.deepEqual(await look('CLOUD.example.TEST.'), [four])
  assert.deepEqual(await look('localhost'), ['127.0.0.1'])
  assert.deepEqual(server.asked, [])
  assert.deepEqual(addressesInHosts('::1 a\n::1 a', 'a'), [{ address: '::1', family: 6 }])
})

test('a hosts file that keeps a hundred thousand names away costs no more than a look at it', t => {
  const away = Array.from({ length: 100_000 }, (_, index) => `0.0.0.0 ads${index}.test`)
  const hosts = ['\ufeff127.0.0.1 first', ...away, `${four}\tCLOUD.Test.\tc+.`, '127.0.0.8 my-cloud.test.old'].join(
    '\r\n',
  )
  const split = t.mock.method(String.prototype, 'split')
  const found = (name: string) => addressesInHosts(hosts, name).map(({ address }) => address)
  assert.deepEqual(found('cloud.test'), [four])
  assert.deepEqual(found('c+'), [four])
  assert.deepEqual(found('first'), ['127.0.0.1'])
  assert.deepEqual(found('my-cloud.test'), [])
  assert.deepEqual(found(''), [])
  const takenApart = split.mock.calls.reduce((sum, { this: text }) => sum + String(text).length, 0)
  assert.ok(takenApart < 10_000, `${takenApart} characters were taken apart`)
})

test('localhost needs neither a hosts file nor a name server [RFC 6761 6.3]', async t => {
  const { look, server } = await systemWith(t, {})
  assert.deepEqual([...(await look('localhost'))].sort(), ['127.0.0.1', '::1'])
  assert.deepEqual(server.asked, [])
})

test('an address is no question', async t => {
  const { look, server } = await systemWith(t, {})
  assert.deepEqual(await look('::1'), ['::1'])
  assert.deepEqual(server.asked, [])
})

test('a short name is tried in the search list first, a long one as it is [resolv.conf(5)]', async t => {
  const resolv = 'domain old.test\nsearch one.test two.test.\nnameserver 127.0.0.1\n'
  const known = new Set(['cloud.two.test', 'a.b.one.test'])
  const { look, server, write } = await systemWith(t, { resolv }, (type, name) =>
    known.has(name) ? (type === 'A' ? [four] : []) : 'no such name',
  )
  const asked = () => [...new Set(server.asked.splice(0).map(one => one.split(' ')[1]))]
  assert.deepEqual(await look('cloud'), [four])
  assert.deepEqual(asked(), ['cloud.one.test', 'cloud.two.test'])
  assert.deepEqual(await look('a.b'), [four])
  assert.deepEqual(asked(), ['a.b', 'a.b.one.test'])
  await assert.rejects(look('cloud.'), { code: 'ENOTFOUND' })
  assert.deepEqual(asked(), ['cloud'])
  // A lease renewed: the file is read at each look-up.
  write('resolv.conf', 'options ndots:2\nsearch one.test\n')
  assert.deepEqual(await look('a.b'), [four])
  assert.deepEqual(asked(), ['a.b.one.test'])
})

test('what resolv.conf leaves out or exaggerates has the bounds of its page', () => {
  const defaults = { search: [], ndots: 1, timeoutMs: 5000, attempts: 2, hasZone: false }
  assert.deepEqual(resolverRules(''), defaults)
  const odd = 'options timeout:900 attempts:99 ndots:x rotate\nsearch 1 2 3 4 5 6 7\nnameserver fe80::1%wlan0 # ours'
  const { search, ...rest } = resolverRules(odd)
  assert.deepEqual(rest, { ndots: 1, timeoutMs: 30_000, attempts: 5, hasZone: true })
  assert.equal(search.length, 6)
  assert.deepEqual(searchedNames('a', { ...defaults, search: [] }), ['a'])
})

test('no address, no answer and a refusal are told apart', async t => {
  const resolv = 'options timeout:1 attempts:1\n'
  const says: Readonly<Record<string, NameAnswer>> = { none: 'no such name', bare: [], ill: 'failed', mute: 'silence' }
  const { look, server } = await systemWith(t, { resolv }, (_, name) => says[name] ?? 'no such name')
  await assert.rejects(look('none'), { code: 'ENOTFOUND', hostname: 'none' })
  await assert.rejects(look('bare'), { code: 'ENOTFOUND' })
  await assert.rejects(look('ill'), { code: 'EAI_FAIL' })
  await assert.rejects(look('mute'), { code: 'EAI_AGAIN' })
  server.asked.length = 0
  await assert.rejects(look('a..b'), { code: 'ENOTFOUND' })
  assert.deepEqual(server.asked, [], 'what can be no name is not asked for')
})

test('a server that refuses or fails is no answer: the next one is asked', async t => {
  const well = await startNameServer(t, type => (type === 'A' ? [four] : []))
  const ill = await startNameServer(t, () => 'failed')
  const refusing = await startNameServer(t, () => 'refused')
  const knowing = await startNameServer(t, () => 'no such name')
  const look = async (...servers: readonly { readonly place: string }[]) => {
    const names = new NameLookUp({ root: tempDir(t), servers: servers.map(({ place }) => place) })
    return (await names.addressesOf('cloud.test', never)).map(({ address }) => address)
  }
  assert.deepEqual(await look(refusing, ill, well), [four])
  await assert.rejects(look(refusing, ill), { code: 'EAI_FAIL' })
  await assert.rejects(look(ill, knowing, well), { code: 'ENOTFOUND' }, 'who knows that there is none has answered')
})

test('servers that refuse a name of the search list are asked for the next one', async t => {
  const resolv = 'search corp.test\noptions ndots:5\n'
  const { look } = await systemWith(t, { resolv }, (type, name) =>
    name !== 'cloud.test' ? 'refused' : type === 'A' ? [four] : [],
  )
  assert.deepEqual(await look('cloud.test'), [four])
  await assert.rejects(look('other.test'), { code: 'EAI_FAIL' })
})

test('addresses of one family do not wait for a server that drops questions for the other', async t => {
  const { look, server, clock } = await systemWith(t, {}, type => (type === 'A' ? [four] : 'silence'))
  const looking = look('cloud.test')
  await eventually('both were asked', () => server.asked.length === 2)
  await eventually('the answer for IPv4 came, and a timer runs', () => clock.timers > 0)
  await clock.advance(2000)
  assert.deepEqual(await looking, [four])
})

test('both families come together, and a look-up that is not wanted any more ends at once', async t => {
  const { look, server } = await systemWith(t, {}, (type, name) =>
    name === 'mute.test' ? 'silence' : type === 'A' ? [four] : [six],
  )
  assert.deepEqual([...(await look('cloud.test'))].sort(), [four, 'fe80::7'])
  const end = new AbortController()
  const looking = look('mute.test', end.signal)
  await eventually('it asks', () => server.asked.some(one => one.endsWith('mute.test')))
  end.abort()
  await assert.rejects(looking, { code: 'ABORTED' })
})

test('where the system has more sources of names than these two, its own getent is asked', async t => {
  assert.deepEqual(
    ['hosts: files dns', '', '#hosts: mdns', 'hosts: files mdns4_minimal [NOTFOUND=return] dns', 'hosts:files'].map(
      hasOtherSources,
    ),
    [false, false, false, true, false],
  )
  const nsswitch = 'passwd: files\nhosts: files mdns4_minimal [NOTFOUND=return] dns\n'
  const { look, server } = await systemWith(t, { nsswitch }, (type, name) =>
    name === 'cloud.test' && type === 'A' ? ['127.0.0.6'] : 'no such name',
  )
  getentOf(
    t,
    `[ "$*" = "ahosts printer.local" ] && echo "${four} STREAM printer.local" && echo "${four} DGRAM" || exit 2`,
  )
  assert.deepEqual(await look('printer.local'), [four])
  assert.deepEqual(server.asked, [])
  assert.deepEqual(await look('cloud.test'), ['127.0.0.6'], 'a name that it does not find may be known to the servers')
  await assert.rejects(look('-x.test'), { code: 'ENOTFOUND' })
})

test('a getent that hangs ends with its look-up', async t => {
  const { look } = await systemWith(t, { nsswitch: 'hosts: files resolve' })
  const marker = join(tempDir(t), 'runs')
  getentOf(t, `: > ${marker}; exec sleep 300`)
  const end = new AbortController()
  const looking = look('cloud.test', end.signal)
  await eventually('getent runs', () => existsSync(marker))
  end.abort()
  await assert.rejects(looking, { code: 'ABORTED' })
})

test('a system without getent is asked by its name servers, and knows what they know', async t => {
  const { look } = await systemWith(t, { nsswitch: 'hosts: files resolve' }, type => (type === 'A' ? [four] : []))
  getentOf(t, undefined)
  assert.deepEqual(await look('cloud.test'), [four])
})
