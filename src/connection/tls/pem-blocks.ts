// SPDX-License-Identifier: Apache-2.0
/** What a PEM file holds. */
export interface PemContent {
  /** Its certificates as PEM blocks, in order, without duplicates and surrounding text. */
  readonly certificates: readonly string[]
  /** Parts of the file that are not used, for a warning. */
  readonly oddities: readonly string[]
}

const mark = /-----(BEGIN|END) ([A-Z0-9 ]{1,40})-----/g
const certificateLabels = new Set(['CERTIFICATE', 'X509 CERTIFICATE', 'TRUSTED CERTIFICATE'])

/** Finds the certificates of a PEM file [RFC 7468]. Text around them is a comment. Linear in the length of the text. */
export function readPem(text: string): PemContent {
  const certificates = new Map<string, string>()
  const oddities = new Set<string>()
  let open: { readonly label: string; readonly at: number } | undefined
  for (const { 0: found, 1: kind, 2: label = '', index } of text.matchAll(mark)) {
    if (kind === 'BEGIN') {
      if (open !== undefined && certificateLabels.has(open.label)) oddities.add(cutOff)
      open = { label, at: index }
      if (label.endsWith('PRIVATE KEY')) oddities.add('it holds a private key, which does not belong there')
      continue
    }
    if (open?.label === label && certificateLabels.has(label)) {
      // OpenSSL wants each mark on a line of its own.
      const block = text.slice(open.at, index + found.length).replace(/\r\n?/g, '\n')
      const content = block.replace(/\s+/g, '')
      if (certificates.has(content)) oddities.add('a certificate is in it more than once')
      else certificates.set(content, block)
    } else if (open !== undefined && certificateLabels.has(open.label)) oddities.add(cutOff)
    open = undefined
  }
  if (open !== undefined && certificateLabels.has(open.label)) oddities.add(cutOff)
  return { certificates: [...certificates.values()], oddities: [...oddities] }
}

const cutOff = 'a certificate in it has no end, and is not used'
