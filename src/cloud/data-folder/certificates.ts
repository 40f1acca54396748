// SPDX-License-Identifier: Apache-2.0
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { prepareFolder, putFile, readPrivate } from './data-folder.ts'

export interface Certificates {
  /** Path of the CA's certificate, for clients. */
  readonly caPath: string
  readonly cert: string
  readonly key: string
}

interface Pair {
  readonly cert: string
  readonly key: string
}

const files = { ca: 'ca.pem', caKey: 'ca-key.pem', server: 'server.pem', serverKey: 'server-key.pem' }
const dayMs = 86_400_000
const maxKeyBytes = 64 * 1024

/**
 * The CA and the server certificate of a data folder. They are made at the first start and then kept, so that clients that
 * trust the CA need no new one. The server certificate is made again when it does not name all hosts or expires soon.
 */
export async function prepareCertificates(dataDir: string, hosts: readonly string[]): Promise<Certificates> {
  await prepareFolder(dataDir)
  const caPath = join(dataDir, files.ca)
  const known = await readPair(dataDir, files.ca, files.caKey)
  const ca = known !== undefined && isValidFor(known.cert, 30) ? known : await makeCa(dataDir)
  const server = await readPair(dataDir, files.server, files.serverKey)
  const isGood =
    server !== undefined && isValidFor(server.cert, 1) && isIssuedBy(server.cert, ca.cert) && names(server.cert, hosts)
  const pair = isGood ? server : await makeServer(dataDir, ca, hosts)
  return { caPath, ...pair }
}

async function readPair(dataDir: string, cert: string, key: string): Promise<Pair | undefined> {
  try {
    const [certText, keyText] = await Promise.all([
      readFile(join(dataDir, cert), 'utf8'),
      readPrivate(join(dataDir, key), maxKeyBytes),
    ])
    // A user who could read the key of the CA could impersonate any server to its clients: such a CA is not used again.
    if (keyText === undefined) return undefined
    const belongs = new X509Certificate(certText).checkPrivateKey(createPrivateKey(keyText))
    return belongs ? { cert: certText, key: keyText } : undefined
  } catch {
    return undefined
  }
}

function isValidFor(cert: string, days: number): boolean {
  return Date.parse(new X509Certificate(cert).validTo) > Date.now() + days * dayMs
}

function isIssuedBy(cert: string, ca: string): boolean {
  const issuer = new X509Certificate(ca)
  const leaf = new X509Certificate(cert)
  return leaf.checkIssued(issuer) && leaf.verify(issuer.publicKey)
}

function names(cert: string, hosts: readonly string[]): boolean {
  const leaf = new X509Certificate(cert)
  return hosts.every(host => (isIP(host) === 0 ? leaf.checkHost(host) : leaf.checkIP(host)) !== undefined)
}

async function makeCa(dataDir: string): Promise<Pair> {
  const { issueCa } = await import('./issuer.ts')
  return save(dataDir, files.ca, files.caKey, await issueCa())
}

async function makeServer(dataDir: string, ca: Pair, hosts: readonly string[]): Promise<Pair> {
  const { issueServer } = await import('./issuer.ts')
  return save(dataDir, files.server, files.serverKey, await issueServer(ca, hosts))
}

async function save(dataDir: string, cert: string, key: string, pair: Pair): Promise<Pair> {
  await putFile(dataDir, key, pair.key, 0o600)
  await putFile(dataDir, cert, pair.cert, 0o644)
  return pair
}
