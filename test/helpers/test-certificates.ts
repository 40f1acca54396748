// SPDX-License-Identifier: Apache-2.0
import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { isIP } from 'node:net'

/** A certificate with its key, both PEM, and the means to issue others with it. */
export interface TestCertificate {
  readonly certificate: string
  readonly key: string
  readonly name: string
}

export interface CertificateOptions {
  /** Common name. */
  readonly name: string
  /** Who signs it; absent: itself. */
  readonly issuer?: TestCertificate
  readonly ca?: boolean
  /** Subject alternative names: DNS names and addresses. */
  readonly hosts?: readonly string[]
  readonly notBefore?: Date
  readonly notAfter?: Date
  /** An RSA key of so many bits instead of P-256. Only for a certificate that another one signs. */
  readonly rsaBits?: number
  /** Signed with SHA-1, which is obsolete. */
  readonly sha1?: boolean
}

const day = 86_400_000

/** Makes an X.509 certificate (P-256, SHA-256) that is good for a test of one minute, or as wrong as a test wants it. */
export function makeCertificate(options: CertificateOptions): TestCertificate {
  const { name, issuer, ca = false, hosts = [] } = options
  const notBefore = options.notBefore ?? new Date(Date.now() - day)
  const notAfter = options.notAfter ?? new Date(Date.now() + 30 * day)
  const { rsaBits, sha1 = false } = options
  const { publicKey, privateKey } =
    rsaBits === undefined
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: rsaBits })
  const algorithm = sequence(objectId(sha1 ? '1.2.840.10045.4.1' : '1.2.840.10045.4.3.2'))
  const body = sequence(
    tagged(0xa0, integer(Buffer.from([2]))),
    integer(serialNumber()),
    algorithm,
    distinguishedName(issuer?.name ?? name),
    sequence(time(notBefore), time(notAfter)),
    distinguishedName(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(...extensions(ca, hosts))),
  )
  const signingKey: KeyObject = issuer === undefined ? privateKey : createPrivateKey(issuer.key)
  const signature = tagged(0x03, Buffer.from([0]), sign(sha1 ? 'sha1' : 'sha256', body, signingKey))
  const der = sequence(body, algorithm, signature)
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return {
    name,
    certificate: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

/** Random, positive, and without a leading zero byte: DER refuses one that is not needed. */
function serialNumber(): Buffer {
  return Buffer.concat([Buffer.from([0x42]), randomBytes(11)])
}

/** A CA for one test. */
export function makeAuthority(name = 'test CA'): TestCertificate {
  return makeCertificate({ name, ca: true })
}

function extensions(ca: boolean, hosts: readonly string[]): Buffer[] {
  const made: Buffer[] = []
  if (ca) made.push(extension('2.5.29.19', true, sequence(tagged(0x01, Buffer.from([0xff])))))
  if (hosts.length > 0) made.push(extension('2.5.29.17', false, sequence(...hosts.map(hostName))))
  // X.509 wants at least one extension in the list.
  if (made.length === 0) made.push(extension('2.5.29.19', false, sequence()))
  return made
}

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  const flag = critical ? [tagged(0x01, Buffer.from([0xff]))] : []
  return sequence(objectId(id), ...flag, tagged(0x04, value))
}

function hostName(host: string): Buffer {
  if (isIP(host) === 4) return tagged(0x87, Buffer.from(host.split('.').map(Number)))
  if (host === '::1') return tagged(0x87, Buffer.from([...new Array<number>(15).fill(0), 1]))
  return tagged(0x82, Buffer.from(host))
}

function distinguishedName(commonName: string): Buffer {
  return sequence(tagged(0x31, sequence(objectId('2.5.4.3'), tagged(0x0c, Buffer.from(commonName)))))
}

function time(date: Date): Buffer {
  const text = date.toISOString().replace(/[-:T]/g, '').slice(0, 14)
  return date.getUTCFullYear() < 2050
    ? tagged(0x17, Buffer.from(`${text.slice(2)}Z`))
    : tagged(0x18, Buffer.from(`${text}Z`))
}

function objectId(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number)
  const arcs = rest.flatMap(arc => {
    const digits = [arc & 0x7f]
    for (let left = arc >> 7; left > 0; left >>= 7) digits.unshift((left & 0x7f) | 0x80)
    return digits
  })
  return tagged(0x06, Buffer.from([first * 40 + second, ...arcs]))
}

function integer(bytes: Buffer): Buffer {
  return tagged(0x02, (bytes[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes)
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tagged(0x30, ...parts)
}

function tagged(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}
