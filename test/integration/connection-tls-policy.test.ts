// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { TLSSocket, type TlsOptions } from 'node:tls'
import { promisify } from 'node:util'
import { systemClock } from '../../src/base/clock.ts'
import { SocketOpener } from '../../src/connection/socket/socket-opener.ts'
import type { TrustSettings } from '../../src/connection/tls/trust-settings.ts'
import { bundledProgram } from '../helpers/bundled-program.ts'
import { caFile, testOpener } from '../helpers/connecting.ts'
import { memoryLog } from '../helpers/memory-log.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { makeAuthority, makeCertificate, type TestCertificate } from '../helpers/test-certificates.ts'
import { tlsServer } from '../helpers/test-servers.ts'

const authority = makeAuthority()
const hosts = ['localhost', '127.0.0.1']
const elliptic = makeCertificate({ name: 'server', issuer: authority, hosts })
const rsa = makeCertificate({ name: 'server', issuer: authority, hosts, rsaBits: 2048 })
const small = makeCertificate({ name: 'server', issuer: authority, hosts, rsaBits: 1024 })
const sha1 = makeCertificate({ name: 'server', issuer: authority, hosts, sha1: true })
const commonName = makeCertificate({ name: 'localhost', issuer: authority })
const timeoutMs = 10_000

type Chosen = TrustSettings['tls']
const choices: readonly Chosen[] = [undefined, 'compatible', 'modern']

interface Scene {
  readonly scene: string
  readonly certificate: TestCertificate
  readonly server: TlsOptions
  readonly protocol: string
}

const only12 = (ciphers: string): TlsOptions => ({ maxVersion: 'TLSv1.2', ciphers })
const taken: readonly Scene[] = [
  { scene: 'TLS 1.3', certificate: rsa, server: { minVersion: 'TLSv1.3' }, protocol: 'TLSv1.3' },
  {
    scene: 'ECDHE-RSA with AES-GCM',
    certificate: rsa,
    server: only12('ECDHE-RSA-AES128-GCM-SHA256'),
    protocol: 'TLSv1.2',
  },
  {
    scene: 'ECDHE-ECDSA with ChaCha20',
    certificate: elliptic,
    server: only12('ECDHE-ECDSA-CHACHA20-POLY1305'),
    protocol: 'TLSv1.2',
  },
]
const weak: readonly Scene[] = [
  { scene: 'ECDHE-RSA with CBC', certificate: rsa, server: only12('ECDHE-RSA-AES128-SHA'), protocol: 'TLSv1.2' },
  {
    scene: 'ECDHE-ECDSA with CBC',
    certificate: elliptic,
    server: only12('ECDHE-ECDSA-AES256-SHA384'),
    protocol: 'TLSv1.2',
  },
]
const never: readonly Omit<Scene, 'protocol'>[] = [
  { scene: 'static RSA with AES-GCM', certificate: rsa, server: only12('AES128-GCM-SHA256') },
  { scene: 'static RSA with CBC', certificate: rsa, server: only12('AES256-SHA') },
  { scene: 'DHE', certificate: rsa, server: { ...only12('DHE-RSA-AES128-GCM-SHA256'), dhparam: 'auto' } },
  {
    scene: 'signatures with SHA-1 only',
    certificate: rsa,
    server: { ...only12('ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0'), sigalgs: 'rsa_pkcs1_sha1' },
  },
  {
    scene: 'TLS 1.1',
    certificate: rsa,
    server: { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' },
  },
]

async function scenery(t: TestContext, { certificate, server }: Omit<Scene, 'protocol'>, tls: Chosen) {
  const { port, sockets } = await tlsServer(t, certificate, server)
  const { opener, log } = testOpener(t, { authority, ...(tls === undefined ? {} : { tls }) })
  const open = () => opener.open({ host: 'localhost', port, tls: true }, { timeoutMs })
  return { open, log, sockets, remarks: () => log.records.filter(({ message }) => message.includes('would not do')) }
}

for (const tls of choices) {
  const name = `cloud.tls ${tls ?? 'absent'}`
  for (const one of taken)
    test(`${name} takes ${one.scene}, without a word`, async t => {
      const { open, remarks } = await scenery(t, one, tls)
      const socket = await open()
      assert.ok(socket instanceof TLSSocket && socket.authorized)
      assert.equal(socket.getProtocol(), one.protocol)
      assert.deepEqual(remarks(), [])
      socket.destroy()
    })

  for (const one of weak)
    test(`${name} ${tls === 'modern' ? 'refuses' : 'takes'} ${one.scene}`, async t => {
      const { open, remarks } = await scenery(t, one, tls)
      if (tls === 'modern') {
        await assert.rejects(open(), {
          code: 'TLS_FAILED',
          message:
            /the server offers nothing that cloud\.tls "modern" takes .*Have it offer TLS 1\.3, or TLS 1\.2 with ECDHE and AES-GCM.*"compatible" would also take CBC suites; "device-cloud check"/,
        })
        return
      }
      for (let time = 0; time < 3; time++) (await open()).destroy()
      assert.deepEqual(
        remarks().map(({ level }) => level),
        [tls === undefined ? 'warn' : 'info'],
        'once',
      )
      const [remark] = remarks()
      assert.match(remark?.message ?? '', /^localhost: .*TLSv1\.2 with ECDHE-.*-SHA/)
      assert.equal(/"tls": "compatible" in the section cloud/.test(remark?.message ?? ''), tls === undefined)
    })

  for (const one of never)
    test(`${name} refuses ${one.scene}`, async t => {
      const { open } = await scenery(t, one, tls)
      await assert.rejects(open(), {
        code: 'TLS_FAILED',
        message: /offers nothing that cloud\.tls "(modern|compatible)" takes/,
      })
    })

  test(`${name} ${tls === 'modern' ? 'refuses' : 'takes'} a certificate that names the host in its CN only`, async t => {
    const { open, remarks } = await scenery(t, { scene: '', certificate: commonName, server: {} }, tls)
    if (tls === 'modern') {
      await assert.rejects(open(), {
        code: 'CERTIFICATE_REFUSED',
        message: /in its common name \(CN\) only.*subjectAltName = DNS:localhost.*Until then "compatible" takes it/,
      })
      return
    }
    for (let time = 0; time < 3; time++) (await open()).destroy()
    assert.deepEqual(
      remarks().map(({ level }) => level),
      [tls === undefined ? 'warn' : 'info'],
    )
    assert.match(remarks()[0]?.message ?? '', /have it issued again with subjectAltName = DNS:localhost/)
  })

  test(`${name} refuses a CN of somebody else`, async t => {
    const other = makeCertificate({ name: 'other.example.test', issuer: authority })
    const { open } = await scenery(t, { scene: '', certificate: other, server: {} }, tls)
    await assert.rejects(open(), { code: 'CERTIFICATE_REFUSED', message: /for another host/ })
  })
}

test('a CN counts for nothing when the certificate has a SAN with other names', async t => {
  const both = makeCertificate({ name: 'localhost', issuer: authority, hosts: ['other.example.test'] })
  const { open } = await scenery(t, { scene: '', certificate: both, server: {} }, undefined)
  await assert.rejects(open(), { code: 'CERTIFICATE_REFUSED', message: /for another host/ })
})

test('modern refuses an RSA key of 1024 bits and a certificate signed with SHA-1, on every Node', async t => {
  for (const certificate of [small, sha1]) {
    const server = { ciphers: 'DEFAULT@SECLEVEL=0' }
    const { open } = await scenery(t, { scene: '', certificate, server }, 'modern')
    await assert.rejects(open(), {
      code: 'CERTIFICATE_REFUSED',
      message: /too weak.*RSA needs 2048 bits, a signature SHA-256/,
    })
  }
})

test('an OPENSSL_CONF that lowers everything does not bring SHA-1 signatures, TLS 1.1 or static RSA back', async t => {
  const folder = tempDir(t)
  const config = join(folder, 'openssl.cnf')
  const section = '[init]\nssl_conf = ssl\n[ssl]\nsystem_default = low\n[low]'
  const low = `${section}\nMinProtocol = TLSv1\nCipherString = ALL:@SECLEVEL=0\n`
  writeFileSync(config, `nodejs_conf = init\nopenssl_conf = init\n${low}`)
  const ca = caFile(t, authority)
  const run = promisify(execFile)
  const program = await bundledProgram(t, 'integration/programs/open-tls.ts')
  const env = { ...process.env, OPENSSL_CONF: config, NODE_OPTIONS: '' }
  const said = async (server: TlsOptions) => {
    const { port } = await tlsServer(t, rsa, server)
    return (await run(process.execPath, [program, String(port), ca], { env })).stdout.trim()
  }
  assert.equal(await said({}), 'open')
  for (const { scene, server } of never) assert.equal(await said(server), 'TLS_FAILED', scene)
})

test('validate_cloud_cert: false says nothing about names, and takes no suite that is never taken', async t => {
  const named = await tlsServer(t, commonName)
  const { opener, log } = testOpener(t, { validate: false })
  const socket = await opener.open({ host: 'localhost', port: named.port, tls: true }, { timeoutMs })
  socket.destroy()
  assert.ok(!log.text().includes('would not do'))
  const old = await tlsServer(t, rsa, only12('AES128-GCM-SHA256'))
  await assert.rejects(opener.open({ host: 'localhost', port: old.port, tls: true }, { timeoutMs }), {
    code: 'TLS_FAILED',
  })
})

const comment = 'subject=CN = test CA\r\nnot after = some day\r\n'
const bundles: readonly (readonly [string, string, RegExp | undefined])[] = [
  ['a byte order mark before it', `\ufeff${authority.certificate}`, undefined],
  ['text right before it on the same line', `my CA: ${authority.certificate}`, undefined],
  ['lines that end as on Windows', authority.certificate.replaceAll('\n', '\r\n'), undefined],
  ['lines that end as on an old Mac', authority.certificate.replaceAll('\n', '\r'), undefined],
  ['comments around it', `${comment}${authority.certificate}${comment}`, undefined],
  ['its private key beside it', `${authority.key}${authority.certificate}`, /it holds a private key/],
  ['itself again', authority.certificate.repeat(3), /more than once/],
  [
    'the beginning of another certificate after it',
    `${authority.certificate}-----BEGIN CERTIFICATE-----\nMIIB`,
    /a certificate in it has no end/,
  ],
]

for (const [scene, content, warning] of bundles) {
  test(`a ca_bundle_file with ${scene} is understood${warning === undefined ? '' : ', with a warning'}`, async t => {
    const server = await tlsServer(t, elliptic)
    const caBundleFile = join(tempDir(t), 'bundle.pem')
    writeFileSync(caBundleFile, content)
    const { log, records } = memoryLog()
    const opener = new SocketOpener({ trust: { validateCloudCert: true, caBundleFile }, clock: systemClock, log })
    for (let time = 0; time < 2; time++) {
      const socket = await opener.open({ host: 'localhost', port: server.port, tls: true }, { timeoutMs })
      socket.destroy()
    }
    const warnings = records.filter(({ level }) => level === 'warn').map(({ message }) => message)
    assert.equal(warnings.length, warning === undefined ? 0 : 1)
    if (warning !== undefined) assert.match(warnings[0] ?? '', warning)
    assert.ok(!warnings.join().includes('MIG'), 'no key is told')
  })
}

test('a ca_bundle_file that is too large is refused before it is read, and names its limit', async t => {
  const caBundleFile = join(tempDir(t), 'bundle.pem')
  writeFileSync(caBundleFile, authority.certificate + ' '.repeat(4 * 1024 * 1024))
  const { log } = memoryLog()
  const opener = new SocketOpener({ trust: { validateCloudCert: true, caBundleFile }, clock: systemClock, log })
  await assert.rejects(opener.open({ host: 'localhost', port: 1, tls: true }, { timeoutMs }), {
    code: 'CONFIG_INVALID',
    message: /ca_bundle_file.*4194304/,
  })
})
