import { isIP } from 'node:net'
import { checkServerIdentity, type PeerCertificate } from 'node:tls'

/** What {@link SocketOpener} finds as the reason when a certificate has no name that counts. */
export const noSubjectName = 'CERT_WITHOUT_SAN'

/** Whether a certificate names `host` in its subject alternative names, which alone count [RFC 9525 2]. */
export function isNamedBySan(host: string, certificate: PeerCertificate): boolean {
  // Without a subject there is no common name to fall back to.
  const { subject: _, ...rest } = certificate
  return checkServerIdentity(host, Object.assign(rest, { subject: noSubject })) === undefined
}

const noSubject = { C: '', ST: '', L: '', O: '', OU: '', CN: '' }

/**
 * Whether a certificate is for `host`. One that names it in its common name only is taken where `onCommonName` is given,
 * and told to it.
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

/** What a certificate lacks, and what its issuer has to write into it. */
export function missingName(host: string): string {
  const name = isIP(host) === 0 ? `DNS:${host}` : `IP:${host}`
  return `the certificate names ${host} in its common name (CN) only; have it issued again with subjectAltName = ${name}`
}
