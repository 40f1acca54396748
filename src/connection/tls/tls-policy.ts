// SPDX-License-Identifier: Apache-2.0
import type { SecureContextOptions, TLSSocket } from 'node:tls'

/** The values of `cloud.tls`, and `any`, which only probes what a server offers and sends no data. */
export type TlsPolicy = 'modern' | 'compatible' | 'any'

const tls13 = ['TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256']
const aead = ['AES128-GCM-SHA256', 'AES256-GCM-SHA384', 'CHACHA20-POLY1305']
const cbc = ['AES128-SHA256', 'AES256-SHA384', 'AES128-SHA', 'AES256-SHA']
/** Ephemeral keys only: a party that gets the key of a server later must not be able to read recorded traffic [RFC 9325 4.1]. */
const ecdhe = (suites: readonly string[]) => suites.flatMap(suite => [`ECDHE-ECDSA-${suite}`, `ECDHE-RSA-${suite}`])

/** Every signature of TLS 1.3 and 1.2 but those with SHA-1 [RFC 9155 2]. */
const signatures = [
  'ecdsa_secp256r1_sha256',
  'ecdsa_secp384r1_sha384',
  'ecdsa_secp521r1_sha512',
  'ed25519',
  'ed448',
  'rsa_pss_rsae_sha256',
  'rsa_pss_rsae_sha384',
  'rsa_pss_rsae_sha512',
  'rsa_pss_pss_sha256',
  'rsa_pss_pss_sha384',
  'rsa_pss_pss_sha512',
  'rsa_pkcs1_sha256',
  'rsa_pkcs1_sha384',
  'rsa_pkcs1_sha512',
].join(':')

const strong = { sigalgs: signatures, minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3' } as const

/** What the agent offers to a server. Security level 2, independent of Node's default: no RSA key below 2048 bits, no SHA-1 in a chain. */
export const tlsOptions: Readonly<Record<TlsPolicy, SecureContextOptions>> = {
  modern: { ...strong, ciphers: [...tls13, ...ecdhe(aead), '@SECLEVEL=2'].join(':') },
  compatible: { ...strong, ciphers: [...tls13, ...ecdhe(aead), ...ecdhe(cbc)].join(':') },
  any: { ciphers: 'ALL:@SECLEVEL=0', minVersion: 'TLSv1', maxVersion: 'TLSv1.3' },
}

/** What a policy accepts, for messages. */
export const takenBy: Readonly<Record<TlsPolicy, string>> = {
  modern: 'TLS 1.3, or TLS 1.2 with ECDHE and AES-GCM or ChaCha20',
  compatible: 'TLS 1.3, or TLS 1.2 with ECDHE',
  any: 'TLS 1.0 or later',
}

/** The result of a handshake. */
export interface TlsAgreement {
  /** `TLSv1.3`. */
  readonly protocol: string
  /** Its OpenSSL name. */
  readonly cipher: string
  /** `ECDHE (X25519)`, `static RSA`. */
  readonly keyExchange: string
  /** Whether the cipher is authenticated encryption (AEAD). */
  readonly isAead: boolean
}

/** What a connected socket has negotiated with its server. */
export function agreementOf(socket: TLSSocket): TlsAgreement {
  const protocol = socket.getProtocol() ?? 'no protocol'
  const { name: cipher } = socket.getCipher()
  return { protocol, cipher, keyExchange: keyExchangeOf(socket, protocol, cipher), isAead: aeadName.test(cipher) }
}

const aeadName = /GCM|CCM|CHACHA20/

/** Node does not report the kind of every group, so the suite decides: TLS 1.3 has no static key exchange. */
function keyExchangeOf(socket: TLSSocket, protocol: string, cipher: string): string {
  const named: unknown = socket.getEphemeralKeyInfo()
  const group = typeof named === 'object' && named !== null && 'name' in named ? ` (${String(named.name)})` : ''
  if (protocol === 'TLSv1.3' || /^ECDHE-/.test(cipher)) return `ECDHE${group}`
  if (/^(?:DHE|EDH)-/.test(cipher)) return 'DHE'
  return 'static RSA'
}
