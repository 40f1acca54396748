// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '../helpers/fake-clock.ts'
import { proxyKinds, proxyMissing, startProxy } from '../helpers/real-proxies.ts'
import { relayScene } from '../helpers/relay-scene.ts'
import { echoServer } from '../helpers/tcp.ts'
import { makeAuthority, makeCertificate } from '../helpers/test-certificates.ts'

const authority = makeAuthority()
const certificate = makeCertificate({ name: 'relay', issuer: authority, hosts: ['localhost', '127.0.0.1'] })
const bulk = 'through the proxy '.repeat(20_000)

for (const kind of proxyKinds) {
  test(`${kind.name} carries the relay, and not the local connections [R18, R19]`, {
    skip: proxyMissing(kind),
  }, async t => {
    const proxy = await startProxy(t, kind)
    const echo = await echoServer(t)
    const scene = await relayScene(t, {
      services: [{ name: 'Echo', port: echo.port }],
      tls: { certificate, authority },
      proxy: proxy.settings,
      host: kind.serverHost,
    })
    const before = proxy.carried()
    const { relay } = await scene.open()
    relay.connect(0)
    relay.data(0, bulk)
    await relay.hears(0, bulk)
    const { connections, bytes } = proxy.carried()
    assert.equal(connections - before.connections, 1)
    assert.ok(bytes - before.bytes >= bulk.length)
  })
}

test('a relay with a certificate of somebody else is refused [R18]', async t => {
  const echo = await echoServer(t)
  const clock = new FakeClock()
  const scene = await relayScene(t, {
    services: [{ name: 'Echo', port: echo.port }],
    tls: { certificate, authority: makeAuthority() },
    clock,
  })
  const { error, told } = await scene.fails(clock)
  assert.match(String(error), /The relay cannot be reached/)
  assert.equal(told.code, 'CERTIFICATE_REFUSED')
  assert.deepEqual(scene.sessions.list(), [])
})
