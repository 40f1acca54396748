// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls'
import type { Log } from '../../base/log.ts'

/** Remembers across processes which roots the cloud's certificates lead to: SHA-256 of their DER, in hexadecimal. */
export interface RootMemory {
  load(): Promise<readonly string[]>
  save(fingerprints: readonly string[]): Promise<void>
}

/** From this many certificates on a choice saves memory. */
const worthChoosing = 16
/** The cloud, its file service and its relay may each have a root of their own, and change it. */
const maxKnown = 4
const longestChain = 16

/**
 * The certificates of a bundle that verified the cloud before. OpenSSL keeps every certificate that it is given in memory for as
 * long as a connection lasts, some 8 KB each: a megabyte for the public ones, of which one is needed. The choice is always
 * made from the bundle, so it trusts no certificate that the whole bundle would not.
 */
export class KnownRoots {
  readonly #memory: RootMemory | undefined
  readonly #log: Log
  #known: readonly string[] | undefined

  constructor(memory: RootMemory | undefined, log: Log) {
    this.#memory = memory
    this.#log = log
  }

  /** Those of `blocks` (PEM) that are known. Undefined when the caller needs all: none is known, or there are few anyway. */
  async choose(blocks: readonly string[]): Promise<readonly string[] | undefined> {
    if (blocks.length < worthChoosing) return undefined
    this.#known ??= await this.#load()
    if (this.#known.length === 0) return undefined
    const known = new Set(this.#known)
    const chosen = blocks.filter(block => known.has(fingerprintOf(derOf(block))))
    return chosen.length === 0 ? undefined : chosen
  }

  /** Remembers which of `blocks` verified the other side of a connection. Resolves to whether it was unknown before. */
  async learn(socket: TLSSocket, blocks: readonly string[]): Promise<boolean> {
    if (blocks.length < worthChoosing) return false
    const chain = new Set(chainOf(socket))
    const root = blocks.map(block => fingerprintOf(derOf(block))).find(fingerprint => chain.has(fingerprint))
    const known = this.#known ?? []
    if (root === undefined || known.includes(root)) return false
    this.#known = [root, ...known].slice(0, maxKnown)
    try {
      await this.#memory?.save(this.#known)
    } catch (error) {
      // The next process learns it again.
      this.#log.debug('the root certificate of the cloud was not remembered', { error })
    }
    return true
  }

  async #load(): Promise<readonly string[]> {
    try {
      return (await this.#memory?.load())?.slice(0, maxKnown) ?? []
    } catch (error) {
      this.#log.debug('the root certificates of the cloud are not remembered', { error })
      return []
    }
  }
}

/** The verified chain as far as Node reports it. The root comes last, also when the server did not send it. */
function chainOf(socket: TLSSocket): string[] {
  const chain: string[] = []
  let at: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true)
  while (at?.raw !== undefined && chain.length < longestChain) {
    chain.push(fingerprintOf(at.raw))
    at = at.issuerCertificate === at ? undefined : at.issuerCertificate
  }
  return chain
}

function derOf(block: string): Buffer {
  return Buffer.from(block.replace(/-----[^-]+-----/g, ''), 'base64')
}

function fingerprintOf(der: Uint8Array): string {
  return createHash('sha256').update(der).digest('hex')
}
