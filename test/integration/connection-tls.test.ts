// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { TLSSocket } from 'node:tls'
import { systemClock } from '../../src/base/clock.ts'
import { SocketOpener } from '../../src/connection/socket/socket-opener.ts'
import { testOpener } from '../helpers/connecting.ts'
import { memoryLog } from '../helpers/memory-log.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { makeAuthority, makeCertificate } from '../helpers/test-certificates.ts'
import { tcpServer, tlsServer } from '../helpers/test-servers.ts'

const authority = makeAuthority()
const good = makeCertificate({ name: 'server', issuer: authority, hosts: ['localhost', '127.0.0.1', '::1'] })
const day = 86_400_000
const timeoutMs = 10_000

test('TLS 1.2 and TLS 1.3 are both spoken, with small writes sent at once', async t => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const server = await tlsServer(t, good, { minVersion: version, maxVersion: version })
    const { opener } = testOpener(t, { authority })
    const socket = await opener.open({ host: 'localhost', port: server.port, tls: true }, { timeoutMs })
    assert.ok(socket instanceof TLSSocket)
    assert.equal(socket.getProtocol(), version)
    assert.equal(socket.authorized, true)
    socket.destroy()
  }
})

test('an address in the certificate is enough when the cloud is configured by address, IPv4 and IPv6', async t => {
  for (const host of ['127.0.0.1', '::1', '[::1]']) {
    const server = await tlsServer(t, good, { host: host.replace(/[[\]]/g, '') })
    const { opener } = testOpener(t, { authority })
    const socket = await opener.open({ host, port: server.port, tls: true }, { timeoutMs })
    assert.ok(socket instanceof TLSSocket && socket.authorized, host)
    socket.destroy()
  }
})

const refusals = [
  {
    scene: 'an expired certificate',
    certificate: makeCertificate({
      name: 'old',
      issuer: authority,
      hosts: ['127.0.0.1'],
      notBefore: new Date(Date.now() - 20 * day),
      notAfter: new Date(Date.now() - 10 * day),
    }),
    code: 'CERTIFICATE_EXPIRED',
    says: /has expired; the clock of this device says 20\d\d-/,
  },
  {
    scene: 'a certificate that is not valid yet',
    certificate: makeCertificate({
      name: 'future',
      issuer: authority,
      hosts: ['127.0.0.1'],
      notBefore: new Date(Date.now() + 10 * day),
    }),
    code: 'CERTIFICATE_NOT_YET_VALID',
    says: /not valid yet; the clock of this device says 20\d\d-/,
  },
  {
    scene: 'a certificate of another host',
    certificate: makeCertificate({ name: 'other', issuer: authority, hosts: ['other.example.test', '127.0.0.2'] }),
    code: 'CERTIFICATE_REFUSED',
    says: /for another host/,
  },
  {
    scene: 'a certificate of an unknown CA',
    certificate: makeCertificate({ name: 'stranger', issuer: makeAuthority('strange CA'), hosts: ['127.0.0.1'] }),
    code: 'CERTIFICATE_REFUSED',
    says: /not trusted/,
  },
  {
    scene: 'a certificate that signed itself',
    certificate: makeCertificate({ name: 'self', hosts: ['127.0.0.1'] }),
    code: 'CERTIFICATE_REFUSED',
    says: /not trusted/,
  },
]

for (const { scene, certificate, code, says } of refusals) {
  test(`${scene} is refused as ${code}, and nothing is sent`, async t => {
    let received = 0
    const server = await tlsServer(t, certificate, {
      serve: socket => socket.on('data', data => (received += data.length)),
    })
    const { opener } = testOpener(t, { authority })
    await assert.rejects(
      opener.open({ host: '127.0.0.1', port: server.port, tls: true }, { timeoutMs }),
      (error: Error) => {
        assert.equal((error as { code?: unknown }).code, code)
        assert.match(error.message, says)
        assert.doesNotMatch(error.message, /Node|--use/, 'advice for a program that this is not')
        assert.match(error.message, new RegExp(`^127\\.0\\.0\\.1:${server.port}: `))
        return true
      },
    )
    assert.equal(received, 0)
  })
}

test('the name is checked against the certificate, not the address behind it', async t => {
  const onlyAddress = makeCertificate({ name: 'server', issuer: authority, hosts: ['127.0.0.1'] })
  const server = await tlsServer(t, onlyAddress)
  const { opener } = testOpener(t, { authority })
  await assert.rejects(opener.open({ host: 'localhost', port: server.port, tls: true }, { timeoutMs }), {
    code: 'CERTIFICATE_REFUSED',
  })
})

test('names of a certificate that would write to a terminal are in no error as they are', async t => {
  const odd = 'odd\u001b[2J\nname\u009b'
  const unknown = makeCertificate({ name: 'server', issuer: makeAuthority(odd), hosts: ['localhost'] })
  const elsewhere = makeCertificate({ name: odd, issuer: authority, hosts: [odd] })
  for (const [certificate, says] of [
    [unknown, /"odd\?\[2J\?name\?", who issued it/],
    [elsewhere, /another host/],
  ] as const) {
    const server = await tlsServer(t, certificate)
    const { opener } = testOpener(t, { authority })
    await assert.rejects(
      opener.open({ host: 'localhost', port: server.port, tls: true }, { timeoutMs }),
      (error: Error) => {
        assert.match(error.message, says)
        assert.doesNotMatch(error.message, /\p{Cc}/u)
        return true
      },
    )
  }
})

test('a server that speaks only TLS 1.1 is refused', async t => {
  const server = await tlsServer(t, good, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' })
  const { opener } = testOpener(t, { authority })
  await assert.rejects(opener.open({ host: 'localhost', port: server.port, tls: true }, { timeoutMs }), {
    code: 'TLS_FAILED',
  })
})

test('without ca_bundle_file the embedded certificates decide, and an unknown CA is refused', async t => {
  const server = await tlsServer(t, good)
  const { opener } = testOpener(t)
  await assert.rejects(opener.open({ host: 'localhost', port: server.port, tls: true }, { timeoutMs }), {
    code: 'CERTIFICATE_REFUSED',
  })
})

test('validate_cloud_cert: false connects and warns loudly, once per start', async t => {
  const server = await tlsServer(t, makeCertificate({ name: 'anything' }))
  const { opener, log } = testOpener(t, { validate: false })
  for (let time = 0; time < 3; time++) {
    const socket = await opener.open({ host: 'localhost', port: server.port, tls: true }, { timeoutMs })
    socket.destroy()
  }
  const warnings = log.records.filter(({ level }) => level === 'warn')
  assert.equal(warnings.length, 1)
  assert.match(warnings[0]?.message ?? '', /validate_cloud_cert is false.*NOT checked/)
})

const brokenBundles: readonly (readonly [string, string | undefined, RegExp])[] = [
  ['missing', undefined, /does not exist|ENOENT/],
  ['empty', '', /empty/],
  ['no PEM', 'hello', /no certificate in PEM form/],
  [
    'a broken certificate among good ones',
    `${authority.certificate}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`,
    /certificate 2 of 2 cannot be read/,
  ],
]

for (const [scene, content, says] of brokenBundles) {
  test(`a ca_bundle_file that is ${scene} is an error that names it, never a way around the check`, async t => {
    const server = await tlsServer(t, good)
    const caBundleFile = join(tempDir(t), 'bundle.pem')
    if (content !== undefined) writeFileSync(caBundleFile, content)
    for (const validateCloudCert of [true, false]) {
      const { log } = memoryLog()
      const opener = new SocketOpener({ trust: { validateCloudCert, caBundleFile }, clock: systemClock, log })
      await assert.rejects(
        opener.open({ host: 'localhost', port: server.port, tls: true }, { timeoutMs }),
        (error: Error) => {
          assert.equal((error as { code?: unknown }).code, 'CONFIG_INVALID')
          assert.match(error.message, says)
          assert.ok(error.message.includes(caBundleFile))
          return true
        },
      )
    }
    assert.equal(server.peers.length, 0)
  })
}

test('a ca_bundle_file that was replaced is taken at the next connection', async t => {
  const server = await tlsServer(t, good)
  const caBundleFile = join(tempDir(t), 'bundle.pem')
  writeFileSync(caBundleFile, makeAuthority('strange CA').certificate)
  const { log } = memoryLog()
  const opener = new SocketOpener({ trust: { validateCloudCert: true, caBundleFile }, clock: systemClock, log })
  const target = { host: 'localhost', port: server.port, tls: true }
  await assert.rejects(opener.open(target, { timeoutMs }), { code: 'CERTIFICATE_REFUSED' })
  writeFileSync(caBundleFile, authority.certificate)
  const socket = await opener.open(target, { timeoutMs })
  socket.destroy()
})

test('a server that closes instead of a handshake, and one that does not speak TLS, are told apart from certificates', async t => {
  const closing = await tcpServer(t, socket => socket.destroy())
  const talking = await tcpServer(t, socket => socket.end('220 smtp.example.test ready\r\n'))
  const { opener } = testOpener(t, { authority })
  for (const { port } of [closing, talking])
    await assert.rejects(opener.open({ host: 'localhost', port, tls: true }, { timeoutMs }), { code: 'TLS_FAILED' })
})
