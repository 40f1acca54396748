// SPDX-License-Identifier: Apache-2.0
/** Makes certificates. Imported only when one has to be made, because its library loads slowly. */
import 'reflect-metadata'
import { randomBytes, webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import * as x509 from '@peculiar/x509'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const dayMs = 86_400_000

export interface IssuedPair {
  readonly cert: string
  readonly key: string
}

/** When a certificate is valid. Tests make expired ones. */
export interface Validity {
  readonly notBefore?: Date
  readonly notAfter?: Date
}

/** A self-signed CA, by default valid for ten years. */
export async function issueCa(name = 'device-cloud local CA', validity: Validity = {}): Promise<IssuedPair> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const cert = await x509.X509CertificateGenerator.createSelfSigned({
    // A random part in the name: a client that knows an older CA must not take it for this one.
    name: [{ CN: [`${name} ${randomBytes(4).toString('hex')}`] }],
    serialNumber: serialNumber(),
    ...period(validity, 3650),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { cert: cert.toString('pem'), key: await pemOf(keys.privateKey) }
}

/** A server certificate for all `hosts`, which are names and addresses. */
export async function issueServer(
  ca: IssuedPair,
  hosts: readonly string[],
  validity: Validity = {},
): Promise<IssuedPair> {
  const caCert = new x509.X509Certificate(ca.cert)
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const cert = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: [{ CN: [hosts[0] ?? 'localhost'] }],
    issuer: caCert.subject,
    ...period(validity, 800),
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey,
    signingKey: await privateKeyOf(ca.key),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        hosts.map(host => ({ type: isIP(host) === 0 ? ('dns' as const) : ('ip' as const), value: host })),
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(caCert.publicKey),
    ],
  })
  return { cert: cert.toString('pem'), key: await pemOf(keys.privateKey) }
}

/** Begins a day ago, because the clocks of test devices are not exact. */
function period({ notBefore, notAfter }: Validity, days: number): { notBefore: Date; notAfter: Date } {
  return {
    notBefore: notBefore ?? new Date(Date.now() - dayMs),
    notAfter: notAfter ?? new Date(Date.now() + days * dayMs),
  }
}

/** Positive, as RFC 5280 requires. */
function serialNumber(): string {
  const bytes = randomBytes(16)
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x01
  return bytes.toString('hex')
}

async function pemOf(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')
}

async function privateKeyOf(pem: string): Promise<webcrypto.CryptoKey> {
  const [der] = x509.PemConverter.decode(pem)
  if (der === undefined) throw new Error('The key of the CA cannot be read.')
  return webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign'])
}
