// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { TlsOptions } from 'node:tls'
import { systemClock } from '../../src/base/clock.ts'
import { networkChecks } from '../../src/cli/checks/network-checks.ts'
import { loadClientConfig } from '../../src/config/load.ts'
import { caFile } from '../helpers/connecting.ts'
import { memoryLog } from '../helpers/memory-log.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { makeAuthority, makeCertificate, type TestCertificate } from '../helpers/test-certificates.ts'
import { tlsServer } from '../helpers/test-servers.ts'

const authority = makeAuthority()
const good = makeCertificate({ name: 'server', issuer: authority, hosts: ['localhost'], rsaBits: 2048 })
const commonName = makeCertificate({ name: 'localhost', issuer: authority })

/** What `device-cloud check` says at its TLS check about a cloud behind such a server. */
async function tlsCheck(t: TestContext, certificate: TestCertificate, server: TlsOptions, tls?: string) {
  let said = 0
  const { port } = await tlsServer(t, certificate, {
    ...server,
    serve: socket => socket.on('data', data => (said += data.length)),
  })
  const { settings } = await loadClientConfig({
    appId: 'x',
    configDir: tempDir(t),
    environment: {},
    settings: {
      cloud: { host: 'localhost', port, token: 's3cret', transport: 'mqtts', ...(tls === undefined ? {} : { tls }) },
      ca_bundle_file: caFile(t, authority),
    },
  })
  const checks = networkChecks({ settings, clock: systemClock, log: memoryLog().log })
  const run = async (name: string) => checks.find(check => check.name === name)?.run()
  return { tls: await run('TLS').then(String), run, said: () => said }
}

test('check shows the agreed TLS, and the line to add when modern would do', async t => {
  const { tls, said } = await tlsCheck(t, good, { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' })
  assert.match(tls, /^TLSv1\.2, ECDHE-RSA-AES128-GCM-SHA256, key exchange ECDHE( \(.+\))?; /)
  assert.match(tls, /cloud\.tls "modern" would do: add "tls": "modern" to the section cloud/)
  assert.equal(said(), 0)
  const modern = await tlsCheck(t, good, {}, 'modern')
  assert.match(modern.tls, /^TLSv1\.3, TLS_\w+, key exchange ECDHE.*; cloud\.tls is modern$/)
})

test('check warns of what modern would refuse, and names the remedy', async t => {
  const cbc = { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-SHA' } as const
  const absent = await tlsCheck(t, good, cbc)
  assert.match(
    absent.tls,
    /ECDHE-RSA-AES128-SHA.*WARNING: cloud\.tls "modern" would not do: have the server offer TLS 1\.3/,
  )
  assert.match(absent.tls, /To accept it write "tls": "compatible" there$/)
  const chosen = await tlsCheck(t, good, cbc, 'compatible')
  assert.match(chosen.tls, /WARNING: cloud\.tls "modern" would not do/)
  assert.doesNotMatch(chosen.tls, /To accept it/)

  const named = await tlsCheck(t, commonName, {})
  assert.match(
    named.tls,
    /would not do: .*common name \(CN\) only; have it issued again with subjectAltName = DNS:localhost/,
  )
  assert.match(String(await named.run('certificate')), /^trusted for localhost/)
})

test('check sees a key that is too weak for modern, where it is trusted, and says nothing where it is not', async t => {
  const small = makeCertificate({ name: 'server', issuer: authority, hosts: ['localhost'], rsaBits: 1024 })
  const { tls, run } = await tlsCheck(t, small, { ciphers: 'DEFAULT@SECLEVEL=0' })
  // The Node of some builds takes it without a policy, of others not.
  const isTrusted = await run('certificate')?.then(
    () => true,
    () => false,
  )
  assert.match(tls, isTrusted ? /would not do: .*too weak/ : /is seen when the certificate is trusted$/)
  const strange = makeCertificate({ name: 'server', issuer: makeAuthority('strange CA'), hosts: ['localhost'] })
  assert.match((await tlsCheck(t, strange, {})).tls, /is seen when the certificate is trusted$/)
})

test('check reports what a refused server offers, and what to do', async t => {
  await assert.rejects(
    tlsCheck(t, good, { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-SHA' }, 'modern'),
    (error: Error) => {
      assert.match(
        error.message,
        /offers TLSv1\.2, ECDHE-RSA-AES128-SHA, key exchange ECDHE.*nothing that cloud\.tls "modern" takes/,
      )
      assert.match(error.message, /have the server offer TLS 1\.3.*Until then write "tls": "compatible"/)
      return true
    },
  )
  for (const tls of [undefined, 'modern'])
    await assert.rejects(
      tlsCheck(t, good, { maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256' }, tls),
      (error: Error) => {
        assert.equal((error as { code?: unknown }).code, 'TLS_FAILED')
        assert.match(error.message, /offers TLSv1\.2, AES128-GCM-SHA256, key exchange static RSA/)
        assert.doesNotMatch(error.message, /Until then/)
        return true
      },
    )
  const named = await tlsCheck(t, commonName, {}, 'modern')
  await assert.rejects(named.run('certificate') ?? Promise.resolve(), {
    code: 'CERTIFICATE_REFUSED',
    message: /subjectAltName/,
  })
  assert.equal(named.said(), 0)
})
