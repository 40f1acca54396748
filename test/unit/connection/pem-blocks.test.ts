// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readPem } from '../../../src/connection/tls/pem-blocks.ts'

const block = (label: string, content = 'AAAA') => `-----BEGIN ${label}-----\n${content}\n-----END ${label}-----`

test('every kind of certificate block is found, and nothing else [RFC 7468]', () => {
  const kinds = ['CERTIFICATE', 'X509 CERTIFICATE', 'TRUSTED CERTIFICATE']
  const text = [...kinds.map(kind => block(kind)), block('X509 CRL'), block('PUBLIC KEY')].join('\nwords\n')
  assert.deepEqual(readPem(text), { certificates: kinds.map(kind => block(kind)), oddities: [] })
})

test('an end without its beginning, and a beginning without its end, hide nobody', () => {
  const text = `-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\nBBBB\n${block('CERTIFICATE')}\n-----BEGIN CERTIFICATE-----`
  const { certificates, oddities } = readPem(text)
  assert.deepEqual(certificates, [block('CERTIFICATE')])
  assert.deepEqual(oddities, ['a certificate in it has no end, and is not used'])
})

test('a key in the file is a warning, and is handed to nobody', () => {
  const { certificates, oddities } = readPem(`${block('EC PRIVATE KEY', 's3cret')}\n${block('CERTIFICATE')}`)
  assert.ok(!certificates.join().includes('s3cret'))
  assert.equal(oddities.length, 1)
})

/** A second of work, eight times what a bundle may have. Were the work to grow with its square, it would take hours, and the limit of the test runner would end it. */
const pemLength = 32 * 1024 * 1024

test('the work grows with the length, whatever is in the file', () => {
  for (const piece of ['-----BEGIN CERTIFICATE-----', '-----', '-----BEGIN ', '-----END CERTIFICATE-----\n'])
    assert.deepEqual(readPem(piece.repeat(pemLength / piece.length)).certificates, [], piece)
})
