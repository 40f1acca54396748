// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { TLSSocket } from 'node:tls'
import { systemClock } from '../../src/base/clock.ts'
import { rootMemory } from '../../src/client/root-memory.ts'
import { SocketOpener } from '../../src/connection/socket/socket-opener.ts'
import type { RootMemory } from '../../src/connection/tls/known-roots.ts'
import { storeFolder } from '../../src/platform/store/store-folder.ts'
import { WriteBudget } from '../../src/platform/store/write-budget.ts'
import { eventually } from '../helpers/eventually.ts'
import { memoryLog } from '../helpers/memory-log.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { makeAuthority, makeCertificate, type TestCertificate } from '../helpers/test-certificates.ts'
import { tlsServer } from '../helpers/test-servers.ts'

const timeoutMs = 10_000
const authorities = Array.from({ length: 20 }, (_, number) => makeAuthority(`root ${number}`))
const [first, second] = authorities.map(issuer => makeCertificate({ name: 'server', issuer, hosts: ['localhost'] }))

function fingerprint({ certificate }: TestCertificate): string {
  return new X509Certificate(certificate).fingerprint256.replaceAll(':', '').toLowerCase()
}

/** A device with a bundle of twenty roots, and what it remembers of them. */
function device(t: TestContext, memory?: RootMemory) {
  const folder = tempDir(t)
  const caBundleFile = join(folder, 'bundle.pem')
  writeFileSync(caBundleFile, authorities.map(({ certificate }) => certificate).join(''))
  const state = storeFolder(join(folder, 'state'), new WriteBudget())
  const remembered = rootMemory(state)
  const { log } = memoryLog()
  const settings = { validateCloudCert: true, caBundleFile, rootMemory: memory ?? remembered }
  const start = () => new SocketOpener({ trust: settings, clock: systemClock, log })
  return { start, remembered }
}

async function connect(opener: SocketOpener, port: number): Promise<void> {
  const socket = await opener.open({ host: 'localhost', port, tls: true }, { timeoutMs })
  assert.ok(socket instanceof TLSSocket && socket.authorized)
  socket.destroy()
}

test('the root that vouched is remembered, and the next process needs no other to trust', async t => {
  assert.ok(first !== undefined && second !== undefined && authorities[0] !== undefined && authorities[1] !== undefined)
  const server = await tlsServer(t, first)
  const { start, remembered } = device(t)
  await connect(start(), server.port)
  await eventually('the root on flash', async () => (await remembered.load()).length === 1)
  assert.deepEqual(await remembered.load(), [fingerprint(authorities[0])])
  const before = server.peers.length
  const opener = start()
  await connect(opener, server.port)
  assert.equal(server.peers.length - before, 1)

  // A cloud that changes its root is trusted in the same try, and remembered as well.
  const renewed = await tlsServer(t, second)
  await connect(opener, renewed.port)
  assert.equal(renewed.peers.length, 2, 'with the known root, then with all of them')
  await eventually('both roots on flash', async () => (await remembered.load()).length === 2)
  await connect(opener, renewed.port)
  await connect(opener, server.port)
  assert.equal(renewed.peers.length, 3)
})

test('a memory that names a stranger, or nonsense, or fails, lets nobody in and keeps nobody out', async t => {
  assert.ok(first !== undefined && authorities[7] !== undefined)
  const stranger = makeAuthority('stranger')
  const hostile = await tlsServer(t, makeCertificate({ name: 'server', issuer: stranger, hosts: ['localhost'] }))
  const good = await tlsServer(t, first)
  const broken = async () => {
    throw new Error('the disk is gone')
  }
  const memories: RootMemory[] = [
    { load: async () => [fingerprint(stranger)], save: async () => {} },
    { load: async () => [fingerprint(authorities[7] ?? stranger)], save: async () => {} },
    { load: async () => ['', 'x'], save: async () => {} },
    { load: broken, save: broken },
  ]
  for (const memory of memories) {
    const opener = device(t, memory).start()
    await assert.rejects(connect(opener, hostile.port), { code: 'CERTIFICATE_REFUSED' })
    await connect(opener, good.port)
    await assert.rejects(connect(opener, hostile.port), { code: 'CERTIFICATE_REFUSED' })
  }
})
