// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { type TestContext, test } from 'node:test'
import { systemClock } from '../../src/base/clock.ts'
import type { AgentError } from '../../src/base/errors.ts'
import { HttpsClient } from '../../src/connection/http/https.ts'
import { openWebSocket } from '../../src/connection/http/websocket.ts'
import { next, testLink, testOpener } from '../helpers/connecting.ts'
import { strictServer } from '../helpers/strict-tls.ts'
import { makeAuthority, makeCertificate, type TestCertificate } from '../helpers/test-certificates.ts'
import { tcpServer, tlsServer } from '../helpers/test-servers.ts'

const root = makeAuthority('field root')
const middle = makeCertificate({ name: 'field issuer', issuer: root, ca: true })
const good = makeCertificate({ name: 'server', issuer: root, hosts: ['localhost'] })
const behindMiddle = makeCertificate({ name: 'behind', issuer: middle, hosts: ['localhost'] })
const skip = spawnSync('openssl', ['version']).status === 0 ? false : 'openssl is not installed'
const timeoutMs = 20_000

/** What each way out of the device says about a server. */
async function everyWay(t: TestContext, port: number, authority: TestCertificate): Promise<Record<string, AgentError>> {
  const { opener, log } = testOpener(t, { authority })
  const failure = (work: Promise<unknown>) =>
    work.then(
      () => assert.fail('it was let in'),
      (error: AgentError) => error,
    )
  const link = async (transport: 'mqtts' | 'wss') => {
    const one = testLink(t, { host: 'localhost', port, transport }, { opener, log })
    const failed = next(one, 'failed')
    one.start()
    const [error] = await failed
    await one.close({ timeoutMs: 0 })
    return error
  }
  const https = new HttpsClient({ opener, clock: systemClock, log: log.log })
  const place = { host: 'localhost', port }
  const times = { connectTimeoutMs: timeoutMs, idleTimeoutMs: timeoutMs }
  return {
    mqtts: await link('mqtts'),
    wss: await link('wss'),
    https: await failure(https.request({ method: 'GET', ...place, path: '/file/0', ...times })),
    relay: await failure(
      openWebSocket({ ...place, tls: true, path: '/ws-relay/1' }, { opener, clock: systemClock, timeoutMs }),
    ),
  }
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`a server that wants a certificate of the device is told as such, on every way (${version})`, {
    skip,
  }, async t => {
    const { port } = await strictServer(t, good, version)
    for (const [way, error] of Object.entries(await everyWay(t, port, root))) {
      assert.equal(error.code, 'TLS_FAILED', `${way}: ${error.message}`)
      assert.match(error.message, /asks for a certificate of this device/, way)
      assert.match(error.remedy, /without a certificate of their own.*cloud\.token/, way)
      assert.doesNotMatch(error.message, /SSL routines|offers nothing/, way)
    }
  })
}

/** An alert record [RFC 8446 6], fatal, as the answer to ClientHello. */
const alerts = [
  { number: 40, says: /offers nothing that cloud\.tls "compatible" takes/, advises: /./ },
  { number: 49, says: /denies this device access/, advises: /rules of the server/ },
  { number: 70, says: /offers nothing that cloud\.tls "compatible" takes/, advises: /./ },
  { number: 48, says: /does not accept a certificate/, advises: /log of the server/ },
  { number: 112, says: /does not know the name/, advises: /name/ },
  { number: 80, says: /internal error/, advises: /log of the server/ },
]

for (const { number, says, advises } of alerts) {
  test(`alert ${number} in the handshake is TLS_FAILED in words, on every way`, async t => {
    const server = await tcpServer(t, socket => {
      socket.once('data', () => socket.end(Buffer.from([21, 3, 3, 0, 2, 2, number])))
    })
    for (const [way, error] of Object.entries(await everyWay(t, server.port, root))) {
      assert.equal(error.code, 'TLS_FAILED', `${way}: ${error.message}`)
      assert.match(error.message, says, way)
      assert.match(error.remedy, advises, way)
      assert.doesNotMatch(error.message, /SSL routines|\.c:\d+/, way)
    }
  })
}

const untrusted = [
  {
    scene: 'a server without its intermediate certificate',
    server: behindMiddle,
    says: /the certificate is not trusted: unable to [^;]*; "field issuer", who issued it, is not among .*ca\.pem, which holds one certificate, and the server sends no intermediate certificate$/,
    advises:
      /^Have the server send the intermediate certificate "field issuer" with its own; if that is a root, add it to .*ca\.pem\.$/,
  },
  {
    scene: 'a root that is not in the bundle',
    server: { ...behindMiddle, certificate: behindMiddle.certificate + middle.certificate },
    authority: makeAuthority('another root'),
    says: /"field root", who issued it, is not among .*ca\.pem, which holds one certificate$/,
    advises: /^If that authority is yours, add its root "field root" to .*ca\.pem\.$/,
  },
  {
    scene: 'a root that the server sends, and the bundle does not hold',
    server: { ...behindMiddle, certificate: behindMiddle.certificate + middle.certificate + root.certificate },
    authority: makeAuthority('another root'),
    says: /its root "field root" is not among .*ca\.pem, which holds one certificate$/,
    advises: /add the certificate of "field root" to .*ca\.pem; if not, a party on the way intercepts TLS\.$/,
  },
  {
    scene: 'a certificate that signed itself',
    server: makeCertificate({ name: 'alone', hosts: ['localhost'] }),
    says: /not trusted: self.signed certificate/,
    advises: /^If that server is yours, add its certificate to .*ca\.pem\.$/,
  },
]

for (const { scene, server: certificate, authority = root, says, advises } of untrusted) {
  test(`${scene}: what is missing, and where it belongs`, async t => {
    const server = await tlsServer(t, certificate)
    for (const [way, error] of Object.entries(await everyWay(t, server.port, authority))) {
      assert.equal(error.code, 'CERTIFICATE_REFUSED', way)
      assert.match(error.message, says, way)
      assert.match(error.remedy, advises, way)
      assert.doesNotMatch(error.message + error.remedy, /Node\.js|--use-system-ca/, way)
    }
  })
}

test('without ca_bundle_file a server without its intermediate certificate is told so too', async t => {
  const server = await tlsServer(t, behindMiddle)
  const { opener } = testOpener(t)
  await assert.rejects(opener.open({ host: 'localhost', port: server.port, tls: true }, { timeoutMs }), {
    code: 'CERTIFICATE_REFUSED',
    message: /public authorities in this program, which holds \d+, and the server sends no intermediate certificate$/,
    remedy: /name a file that holds it in ca_bundle_file\.$/,
  })
})
