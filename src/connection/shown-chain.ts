import type { DetailedPeerCertificate, TLSSocket } from 'node:tls'

/** The certificates that a server showed, by their names. */
export interface ShownChain {
  readonly length: number
  /** The last one, nearest to the root. */
  readonly top: string
  /** Who issued that one. */
  readonly topIssuer: string
}

const longestChain = 16
const maxNameChars = 100

/** What the server of a handshake has shown; undefined before it has shown anything. Nobody has checked it. */
export function shownChain(socket: TLSSocket): ShownChain | undefined {
  // Undefined at run time when the connection is gone, whatever the types say.
  const first: Partial<DetailedPeerCertificate> | undefined = socket.getPeerCertificate(true)
  if (first?.raw === undefined) return undefined
  let top: Partial<DetailedPeerCertificate> = first
  let length = 1
  for (; length < longestChain; length++) {
    const next = top.issuerCertificate
    if (next?.raw === undefined || next.raw.equals(top.raw ?? Buffer.alloc(0))) break
    top = next
  }
  return { length, top: nameOf(top.subject), topIssuer: nameOf(top.issuer) }
}

/** The common name, or else the organisation. It comes from outside, and must not drive a terminal. */
function nameOf(name: unknown): string {
  if (typeof name !== 'object' || name === null) return 'nobody'
  const { CN, O } = name as { readonly CN?: unknown; readonly O?: unknown }
  const [found] = [CN, O].flat().filter(part => typeof part === 'string' && part !== '')
  const text = String(found ?? 'nobody').slice(0, maxNameChars)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this removes
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?')
}
