// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { systemNames } from '../../src/connection/names/name-look-up.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { relayScene } from '../helpers/relay-scene.ts'
import { echoServer } from '../helpers/tcp.ts'
import { makeAuthority, makeCertificate } from '../helpers/test-certificates.ts'
import { listen, tcpServer, tlsServer } from '../helpers/test-servers.ts'

const authority = makeAuthority()
const certificate = makeCertificate({ name: 'relay', issuer: authority, hosts: ['localhost', '127.0.0.1'] })
const stranger = makeCertificate({ name: 'stranger', issuer: makeAuthority('strange CA'), hosts: ['127.0.0.1'] })
const dialMs = 10_000

test('whatever fails at the relay, the operator hears the same after the same time, and the owner hears why', async t => {
  const echo = await echoServer(t)
  const clock = new FakeClock()
  const tls = { certificate, authority }
  const scene = await relayScene(t, { services: [{ name: 'Echo', port: echo.port }], tls, clock })
  const closed = await tcpServer(t, () => {})
  closed.server.close()
  const silent = await tcpServer(t, () => {})
  const strange = await tlsServer(t, stranger)
  const plain = await tcpServer(t, socket => socket.end('220 smtp.example.test ready\r\n'))
  const pages = await tlsServer(t, certificate, {
    serve: socket => socket.once('data', () => socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n')),
  })
  const moved = await tlsServer(t, certificate, {
    serve: socket =>
      socket.once('data', () =>
        socket.end(`HTTP/1.1 302 Found\r\nLocation: ${scene.url}\r\nContent-Length: 0\r\n\r\n`),
      ),
  })
  const at = (port: number) => `wss://127.0.0.1:${port}/ws-relay/1`
  const rows = [
    { place: at(closed.port), reason: /connection refused/, isSilent: false },
    { place: at(silent.port), reason: /not open after 10000 ms/, isSilent: true },
    { place: at(strange.port), reason: /not trusted/, isSilent: false },
    { place: at(plain.port), reason: /TLS handshake failed/, isSilent: false },
    { place: at(pages.port), reason: /answered 404/, isSilent: false },
    { place: at(moved.port), reason: /answered 302/, isSilent: false },
  ]
  const heard = new Set<string>()
  for (const { place, reason, isSilent } of rows) {
    const { error, tookMs, told } = await scene.fails(clock, place, { isSilent })
    assert.match(String(told.reason), reason)
    // To the step with which the test turns the clock.
    assert.ok(tookMs >= dialMs && tookMs <= dialMs + 100, `${tookMs} ms: ${reason}`)
    heard.add(JSON.stringify([String(error), (error as { code?: unknown }).code]))
  }
  // A host that may not be dialled is known without a dial, and says no more than that.
  const { error, tookMs, told } = await scene.fails(clock, 'wss://192.168.1.1/ws-relay/1')
  assert.match(String(told.reason), /add "192\.168\.1\.1" to remote_access\.relay_hosts/)
  assert.equal(tookMs, 0)
  heard.add(JSON.stringify([String(error), (error as { code?: unknown }).code]))
  assert.equal(heard.size, 1, [...heard].join('\n'))
  assert.deepEqual(scene.events, [])
  assert.ok(!scene.log.text().includes('ws-relay'))
})

test('nobody is dialled at an address of this device or its network, unless the cloud is at one', async t => {
  const echo = await echoServer(t)
  const clock = new FakeClock()
  const relay = { cloudHost: 'api.example.test' }
  const services = [{ name: 'Echo', port: echo.port }]
  const inner = await echoServer(t)
  const scene = await relayScene(t, { services, tls: { certificate, authority }, clock, relay })
  const ways = [
    '127.0.0.1',
    '0x7f.1',
    '2130706433',
    '127.1',
    '127.0.0.1.',
    '[::ffff:127.0.0.1]',
    '0.0.0.0',
    'LocalHost.',
  ]
  for (const host of ways) {
    const { told } = await scene.fails(clock, `wss://${host}:${inner.port}/ws-relay/1`)
    assert.match(String(told.reason), /it is not where cloud\.host \(api\.example\.test\) is/, host)
  }
  assert.deepEqual(inner.peers, [])
})

test('a name that is allowed and leads to this device is not dialled (DNS rebinding)', async t => {
  const echo = await echoServer(t)
  const clock = new FakeClock()
  const services = [{ name: 'Echo', port: echo.port }]
  const tls = { certificate, authority }
  const inner = await echoServer(t)
  const named = { cloudHost: 'api.example.test', relayHosts: ['localhost'] }
  const scene = await relayScene(t, { services, tls, clock, host: 'localhost', relay: named })
  const { told, tookMs } = await scene.fails(clock, `wss://localhost:${inner.port}/ws-relay/1`)
  assert.match(
    String(told.reason),
    /127\.0\.0\.1 is this device itself.*add "127\.0\.0\.1" to remote_access\.relay_hosts/,
  )
  assert.equal(tookMs, dialMs)
  assert.deepEqual(inner.peers, [])

  const listed = { cloudHost: 'api.example.test', relayHosts: ['localhost', '127.0.0.1'] }
  const allowed = await relayScene(t, { services, tls, host: 'localhost', relay: listed })
  await allowed.open()
  const there = { cloudHost: 'api.example.test', relayHosts: ['localhost'], cloudAddress: '127.0.0.9' }
  const beside = await relayScene(t, { services, tls, host: 'localhost', relay: there })
  await beside.open()
})

test('a sibling of the cloud that suddenly leads into the network of the device is not dialled', async t => {
  const echo = await echoServer(t)
  const clock = new FakeClock()
  const inner = await echoServer(t)
  let address = '127.0.0.1'
  const relay = { cloudHost: 'api.example.test', cloudAddress: '93.184.216.34' }
  const services = [{ name: 'Echo', port: echo.port }]
  const scene = await relayScene(t, { services, tls: { certificate, authority }, clock, relay })
  t.mock.method(systemNames, 'addressesOf', async () => [{ address, family: address.includes(':') ? 6 : 4 }])
  for (address of ['127.0.0.1', '::1', '::ffff:127.0.0.1', '0.0.0.0', '169.254.169.254', '10.0.0.1', 'fd00::1']) {
    const { told, error } = await scene.fails(clock, `wss://relay.example.test:${inner.port}/ws-relay/1`)
    assert.match(String(told.reason), /cloud\.host is not at one: add ".*" to remote_access\.relay_hosts/, address)
    assert.match(String(error), /The relay cannot be reached/)
  }
  assert.deepEqual(inner.peers, [])
})

test('without TLS the same hosts are allowed and no others: no inner service gets a request', async t => {
  const echo = await echoServer(t)
  const clock = new FakeClock()
  const requests: string[] = []
  const inner = await listen(
    t,
    createServer((request, response) => {
      requests.push(request.url ?? '')
      response.end()
    }),
  )
  const scene = await relayScene(t, {
    services: [{ name: 'Echo', port: echo.port }],
    clock,
    relay: { cloudHost: 'cloud.example.test' },
  })
  const { told } = await scene.fails(clock, `ws://127.0.0.1:${inner.port}/reboot?now=1`)
  assert.match(String(told.reason), /relay_hosts/)
  assert.deepEqual([requests, inner.peers], [[], []])
  const near = await relayScene(t, { services: [{ name: 'Echo', port: echo.port }] })
  await near.open()
})
