// SPDX-License-Identifier: Apache-2.0
import { isIP } from 'node:net'
import { checkServerIdentity, type PeerCertificate } from 'node:tls'

/** The reason that {@link SocketOpener} finds when a certificate has no subject alternative name for the host. */
export const noSubjectName = 'CERT_WITHOUT_SAN'

/** Whether a certificate names `host` in its subject alternative names, the only ones that count [RFC 9525 2]. */
export function isNamedBySan(host: string, certificate: PeerCertificate): boolean {
  // Without a subject Node has no common name to fall back to.
  const { subject: _, ...rest } = certificate
  return checkServerIdentity(host, Object.assign(rest, { subject: noSubject })) === undefined
}

const noSubject = { C: '', ST: '', L: '', O: '', OU: '', CN: '' }

/**
 * Checks that a certificate is for `host`. One that names it in its common name only is accepted if `onCommonName` is given,
 * which is then called.
 */
export function identityCheck(onCommonName: (() => void) | undefined) {
  return (host: string, certificate: PeerCertificate): Error | undefined => {
    const error = checkServerIdentity(host, certificate)
    if (error !== undefined || isNamedBySan(host, certificate)) return error
    if (onCommonName === undefined) return Object.assign(new Error(missingName(host)), { code: noSubjectName })
    onCommonName()
    return undefined
  }
}

/** The text about a certificate without a subject alternative name, with what its issuer has to write. */
export function missingName(host: string): string {
  const name = isIP(host) === 0 ? `DNS:${host}` : `IP:${host}`
  return `the certificate names ${host} in its common name (CN) only; have it issued again with subjectAltName = ${name}`
}
