// SPDX-License-Identifier: Apache-2.0
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls'
import { withoutControls } from '../../base/control-characters.ts'

/** The certificates that a server presented, by name. */
export interface ShownChain {
  readonly length: number
  /** The last one, nearest to the root. */
  readonly top: string
  /** Who issued that one. */
  readonly topIssuer: string
}

const longestChain = 16
const maxNameChars = 100

/** The chain that a server has presented; undefined before it has. The chain is not verified. */
export function shownChain(socket: TLSSocket): ShownChain | undefined {
  // Undefined at run time when the connection is gone, unlike its type.
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

/** The common name, or else the organisation. It comes from outside, so control characters are removed. */
function nameOf(name: unknown): string {
  if (typeof name !== 'object' || name === null) return 'nobody'
  const { CN, O } = name as { readonly CN?: unknown; readonly O?: unknown }
  const [found] = [CN, O].flat().filter(part => typeof part === 'string' && part !== '')
  return withoutControls(String(found ?? 'nobody').slice(0, maxNameChars))
}
