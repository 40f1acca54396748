// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type TestContext, test } from 'node:test'
import { systemClock } from '../../src/base/clock.ts'
import { crc32 } from '../../src/base/crc32.ts'
import type { Transport } from '../../src/config/settings.ts'
import { HttpsClient } from '../../src/connection/http/https.ts'
import { next, testLink, testOpener } from '../helpers/connecting.ts'
import {
  type ProxyKind,
  proxyKinds,
  proxyMissing,
  type RealProxy,
  startProxy,
  watchNetwork,
} from '../helpers/real-proxies.ts'
import { makeAuthority, makeCertificate } from '../helpers/test-certificates.ts'
import { type TestSite, testSite } from '../helpers/test-servers.ts'

const authority = makeAuthority()
const certificate = makeCertificate({ name: 'cloud', issuer: authority, hosts: ['localhost', '127.0.0.1'] })
const file = Buffer.alloc(3_000_000, 'a file of a device that goes both ways, ')

/** What the matrix adds to the proxies: the same without one. */
const direct = { name: 'no proxy', serverHost: 'localhost' }

for (const kind of [direct, ...proxyKinds]) {
  const proxyKind = 'program' in kind ? kind : undefined
  test(kind.name, { skip: proxyKind === undefined ? false : proxyMissing(proxyKind) }, async t => {
    const site = await testSite(t, certificate, serveFiles)
    const proxy = proxyKind === undefined ? undefined : await startProxy(t, proxyKind)
    for (const transport of ['mqtt', 'mqtts', 'wss'] as const)
      await t.test(`carries MQTT (${transport}) both ways`, t => carriesMqtt(t, { kind, site, proxy, transport }))
    await t.test('carries a file up and down over HTTPS', t => carriesFiles(t, { kind, site, proxy }))
    if (proxyKind?.login !== undefined)
      await t.test('refuses a wrong login, and the error tells neither login', t =>
        refusesLogin(t, proxyKind, site, proxy),
      )
    if (proxyKind !== undefined && proxy !== undefined)
      await t.test('tells why it cannot reach the server', t => tellsWhy(t, proxyKind, proxy))
  })
}

interface Scene {
  readonly kind: { readonly serverHost: string }
  readonly site: TestSite
  readonly proxy: RealProxy | undefined
}

async function carriesMqtt(t: TestContext, { kind, site, proxy, transport }: Scene & { transport: Transport }) {
  const server = { mqtt: site.mqtt, mqtts: site.mqtts, wss: site.https }[transport]
  const unpassed = watchPast(t, server.port, proxy)
  const tools = testOpener(t, { authority, ...(proxy === undefined ? {} : { proxy: proxy.settings }) })
  const link = testLink(t, { host: kind.serverHost, port: server.port, transport }, tools)
  const up = next(link, 'up')
  link.start()
  await up
  const payload = `${transport} ${'x'.repeat(50_000)}`
  await link.publish('api/0001', payload, 1)
  assert.equal(site.broker.published.at(-1)?.payload, payload)
  assert.equal(site.broker.published.at(-1)?.clientId, 'device-1-app')
  const message = next(link, 'message')
  site.broker.push('device-1-app', 'reply/0001', payload)
  const [topic, bytes] = await message
  assert.equal(topic, 'reply/0001')
  assert.equal(Buffer.from(bytes).toString(), payload)
  await link.close()
  unpassed(payload.length)
}

async function carriesFiles(t: TestContext, { kind, site, proxy }: Scene) {
  const unpassed = watchPast(t, site.https.port, proxy)
  const tools = testOpener(t, { authority, ...(proxy === undefined ? {} : { proxy: proxy.settings }) })
  const https = new HttpsClient({ opener: tools.opener, clock: systemClock, log: tools.log.log })
  const place = { host: kind.serverHost, port: site.https.port, connectTimeoutMs: 10_000, idleTimeoutMs: 10_000 }
  const up = await https.request({
    ...place,
    method: 'POST',
    path: '/up',
    body: { stream: pieces(file), bytes: file.length },
  })
  assert.equal(up.status, 200)
  assert.deepEqual(JSON.parse((await whole(up.body)).toString()), {
    bytes: file.length,
    crc: crc32(file),
    length: String(file.length),
  })
  const down = await https.request({ ...place, method: 'GET', path: '/down' })
  assert.equal(down.status, 200)
  assert.ok((await whole(down.body)).equals(file))
  unpassed(file.length)
}

async function refusesLogin(t: TestContext, kind: ProxyKind, site: TestSite, proxy: RealProxy | undefined) {
  const { login: proxyLogin } = kind
  assert.ok(proxy !== undefined && proxyLogin !== undefined)
  const before = site.mqtt.peers.length
  for (const login of [{ ...proxyLogin, password: 'wr0ng-pass' }, {}, { username: 'somebody' }]) {
    const { type, host, port } = proxy.settings
    const { opener, log } = testOpener(t, { proxy: { type, host, port, ...login } })
    const target = { host: kind.serverHost, port: site.mqtt.port, tls: false }
    await assert.rejects(opener.open(target, { timeoutMs: 10_000 }), (error: Error) => {
      assert.equal((error as { code?: unknown }).code, 'PROXY_REFUSED', error.message)
      assert.match(error.message, /login/)
      const told = JSON.stringify(error, Object.getOwnPropertyNames(error)) + String(error.stack) + log.text()
      for (const secret of [
        'wr0ng-pass',
        proxyLogin.password,
        Buffer.from(`${proxyLogin.username}:wr0ng-pass`).toString('base64'),
      ])
        assert.ok(!told.includes(secret))
      return true
    })
  }
  assert.equal(site.mqtt.peers.length, before)
}

async function tellsWhy(t: TestContext, kind: ProxyKind, proxy: RealProxy) {
  const { opener } = testOpener(t, { proxy: proxy.settings })
  const target = { host: kind.serverHost, port: 1, tls: false }
  // OpenSSH does not say why: it hangs up.
  const code = kind.program === 'sshd' ? 'PROXY_FAILED' : 'PROXY_REFUSED'
  await assert.rejects(opener.open(target, { timeoutMs: 10_000 }), (error: Error) => {
    assert.equal((error as { code?: unknown }).code, code, error.message)
    assert.match(
      error.message,
      /^(localhost|127\.0\.0\.1):1 via (HTTP|SOCKS4|SOCKS5) proxy 127\.0\.0\.1:\d+: the proxy /,
    )
    return true
  })
}

/** The returned function asserts that the proxy carried the bytes and that nothing of this process went past it. */
function watchPast(t: TestContext, serverPort: number, proxy: RealProxy | undefined): (atLeastBytes: number) => void {
  const network = watchNetwork(t)
  const before = proxy?.carried()
  return atLeastBytes => {
    if (proxy === undefined || before === undefined) {
      assert.ok(network.ports.includes(serverPort))
      return
    }
    const { connections, bytes } = proxy.carried()
    assert.ok(connections > before.connections, 'the proxy was used')
    assert.ok(
      bytes - before.bytes >= atLeastBytes,
      `the proxy carried ${bytes - before.bytes} of ${atLeastBytes} bytes`,
    )
    assert.ok(network.ports.includes(proxy.settings.port))
    assert.ok(!network.ports.includes(serverPort), 'this process did not connect to the server itself')
    assert.deepEqual(network.names, [], 'this process looked up no name')
  }
}

function serveFiles(request: IncomingMessage, response: ServerResponse): void {
  if (request.method === 'GET') {
    response.end(file)
    return
  }
  let bytes = 0
  let crc = 0
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    crc = crc32(chunk, crc)
  })
  request.on('end', () => response.end(JSON.stringify({ bytes, crc, length: request.headers['content-length'] })))
}

async function* pieces(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536)
}

async function whole(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}
