// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { systemClock } from '../../src/base/clock.ts'
import type { AgentError } from '../../src/base/errors.ts'
import { HttpsClient } from '../../src/connection/http/https.ts'
import { next, testLink, testOpener } from '../helpers/connecting.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { makeAuthority, makeCertificate, type TestCertificate } from '../helpers/test-certificates.ts'
import { testSite } from '../helpers/test-servers.ts'

const authority = makeAuthority()
const day = 86_400_000
const hosts = ['127.0.0.1']
const issue = (options: object = {}) => makeCertificate({ name: 'cloud', issuer: authority, hosts, ...options })

const wrong = [
  {
    scene: 'expired',
    certificate: issue({ notBefore: new Date(Date.now() - 20 * day), notAfter: new Date(Date.now() - day) }),
    code: 'CERTIFICATE_EXPIRED',
    waitsAfter: 'tls',
  },
  {
    scene: 'not yet valid',
    certificate: issue({ notBefore: new Date(Date.now() + day) }),
    code: 'CERTIFICATE_NOT_YET_VALID',
    waitsAfter: 'clock',
  },
  {
    scene: 'of another name',
    certificate: issue({ hosts: ['cloud.example.test'] }),
    code: 'CERTIFICATE_REFUSED',
    waitsAfter: 'tls',
  },
  {
    scene: 'of an unknown CA',
    certificate: issue({ issuer: makeAuthority('stranger') }),
    code: 'CERTIFICATE_REFUSED',
    waitsAfter: 'tls',
  },
] as const

/** The cloud under one certificate, which notes who got through to what stands behind TLS. */
async function site(t: TestContext, certificate: TestCertificate) {
  const reached: string[] = []
  const it = await testSite(t, certificate, (request, response) => {
    reached.push(request.url ?? '')
    response.end()
  })
  it.broker.aedes.on('client', client => void reached.push(client.id))
  return { ...it, reached }
}

for (const { scene, certificate, code, waitsAfter } of wrong) {
  for (const transport of ['mqtts', 'wss'] as const) {
    test(`${transport}: a certificate that is ${scene} is refused, again and again, and nothing is told to it`, async t => {
      const { mqtts, https, reached } = await site(t, certificate)
      const { port } = transport === 'mqtts' ? mqtts : https
      const clock = new FakeClock(Date.now())
      const link = testLink(t, { host: '127.0.0.1', port, transport }, testOpener(t, { authority, clock }), { clock })
      let failed = next(link, 'failed')
      link.start()
      for (let time = 0; time < 3; time++) {
        const [error]: [AgentError] = await failed
        assert.equal(error.code, code)
        const { state, waitsAfter: waits, nextTryInMs = 0 } = link.status()
        assert.deepEqual([state, waits], ['waiting', waitsAfter])
        failed = next(link, 'failed')
        await clock.advance(nextTryInMs)
      }
      await failed
      assert.deepEqual(reached, [])
    })
  }

  test(`https: a certificate that is ${scene} is refused, and nothing is told to it`, async t => {
    const { https, reached } = await site(t, certificate)
    const { opener, log } = testOpener(t, { authority })
    const client = new HttpsClient({ opener, clock: systemClock, log: log.log })
    const request = client.request({
      method: 'GET',
      host: '127.0.0.1',
      port: https.port,
      path: '/file/secret',
      connectTimeoutMs: 10_000,
      idleTimeoutMs: 10_000,
    })
    await assert.rejects(request, { code })
    assert.deepEqual(reached, [])
  })
}

test('a certificate that is right lets all three through', async t => {
  const { mqtts, https, reached } = await site(t, issue())
  const tools = testOpener(t, { authority })
  for (const [transport, { port }] of [
    ['mqtts', mqtts],
    ['wss', https],
  ] as const) {
    const link = testLink(t, { host: '127.0.0.1', port, transport }, tools)
    const up = next(link, 'up')
    link.start()
    await up
    await link.close()
  }
  const client = new HttpsClient({ opener: tools.opener, clock: systemClock, log: tools.log.log })
  const where = { host: '127.0.0.1', port: https.port, path: '/file/1' }
  const answer = await client.request({ method: 'GET', ...where, connectTimeoutMs: 10_000, idleTimeoutMs: 10_000 })
  assert.equal(answer.status, 200)
  assert.equal(reached.length, 3)
})
