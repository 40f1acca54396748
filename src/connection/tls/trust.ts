// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { type ConnectionOptions, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls'
import { AgentError, messageOf } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import { readBoundedFile } from '../../platform/files/read-file.ts'
import { KnownRoots } from './known-roots.ts'
import { readPem } from './pem-blocks.ts'
import { identityCheck, missingName } from './server-identity.ts'
import type { BundleFacts } from './tls-failure.ts'
import { agreementOf, type TlsPolicy, takenBy, tlsOptions } from './tls-policy.ts'
import type { TrustSettings } from './trust-settings.ts'

/** How to verify a server. */
export interface TrustOptions {
  readonly tls: ConnectionOptions
  /** Only the roots that verified the cloud before: a server that they refuse may still be trusted by the whole bundle. */
  readonly isPart: boolean
  readonly bundle: BundleFacts
}

interface Context {
  /** The content of `ca_bundle_file`; undefined for the embedded certificates. */
  readonly bundle: Buffer | undefined
  readonly made: SecureContext
  /** Of the whole bundle. */
  readonly certificates: number
  readonly isPart: boolean
}

/** Largest `ca_bundle_file`; all of Mozilla's programme is 0.2 MB. */
export const maxCaBundleBytes = 4 * 1024 * 1024

/** Most remarks about servers that are remembered, so that each is logged once. */
const maxRemarks = 64

/** The TLS policy of the agent: it checks certificate, host name and strength of a connection, and never silently less. */
export class Trust {
  readonly #settings: TrustSettings
  readonly #log: Log
  readonly #roots: KnownRoots
  readonly #remarks = new Set<string>()
  #context: Context | undefined

  constructor(settings: TrustSettings, log: Log) {
    this.#settings = settings
    this.#log = log
    this.#roots = new KnownRoots(settings.rootMemory, log)
  }

  /** The policy in effect: `compatible` where the owner has not decided. */
  get policy(): TlsPolicy {
    return this.#settings.tls ?? 'compatible'
  }

  /**
   * How to verify a server of this name or address.
   *
   * @param extent `whole` when a part of the bundle did not verify it
   * @throws AgentError `CONFIG_INVALID` when `ca_bundle_file` cannot be used
   */
  async optionsFor(host: string, extent: 'enough' | 'whole' = 'enough'): Promise<TrustOptions> {
    const { validateCloudCert, caBundleFile } = this.#settings
    if (!validateCloudCert && this.policy !== 'any') this.#remark('warn', notChecked)
    const { made, isPart, certificates } = await this.#secureContext(extent)
    // Public authorities have issued no certificate without a SAN for many years: only one of the owner's own authority may lack it.
    const mayLackSan = this.policy !== 'modern' && (caBundleFile !== undefined || !validateCloudCert)
    const onCommonName = () => {
      if (validateCloudCert) this.#weak(host, missingName(host))
    }
    const tls = {
      secureContext: made,
      rejectUnauthorized: validateCloudCert,
      checkServerIdentity: identityCheck(mayLackSan ? onCommonName : undefined),
      // An address has no place in SNI [RFC 6066 3]; `host` makes the check look for it among the addresses of the certificate.
      host,
      ...(isIP(host) === 0 ? { servername: host } : {}),
    }
    const bundle = { path: caBundleFile, certificates }
    return { tls, isPart, bundle }
  }

  /** To be called after a successful handshake with a server of this name or address. */
  async accepted(socket: TLSSocket, host: string): Promise<void> {
    const { protocol, cipher, isAead } = agreementOf(socket)
    if (!isAead) this.#weak(host, `it agrees on ${protocol} with ${cipher}; have it offer ${takenBy.modern}`)
    const context = this.#context
    // The root that verified it will be enough next time.
    if (!socket.authorized || context === undefined || context.isPart) return
    const isNews = await this.#roots.learn(socket, readPem(await textOf(context.bundle)).certificates)
    if (isNews && this.#context === context) this.#context = undefined
  }

  /** Logs once for each server what `modern` would not accept: as a warning, until the owner has decided. */
  #weak(host: string, why: string): void {
    const { tls } = this.#settings
    if (tls === 'any') return
    const decide = '"tls": "compatible" in the section cloud of the connection file accepts it'
    this.#remark(
      tls === undefined ? 'warn' : 'info',
      `${host}: its TLS would not do for cloud.tls "modern": ${why}${tls === undefined ? `; ${decide}` : ''}`,
    )
  }

  #remark(level: 'warn' | 'info', text: string): void {
    if (this.#remarks.has(text) || this.#remarks.size >= maxRemarks) return
    this.#remarks.add(text)
    this.#log[level](text)
  }

  async #secureContext(extent: 'enough' | 'whole'): Promise<Context> {
    const bundle = await this.#readBundle()
    // The file is read at each connection, so that a renewed one takes effect; the costly parse happens only when it changed.
    const before = this.#context
    if (before !== undefined && sameBytes(before.bundle, bundle) && !(before.isPart && extent === 'whole'))
      return before
    const { certificates } = readPem(await textOf(bundle))
    const part = extent === 'whole' ? undefined : await this.#roots.choose(certificates)
    const made = createSecureContext({ ...tlsOptions[this.policy], ca: (part ?? certificates).join('\n') })
    this.#context = { bundle, made, certificates: certificates.length, isPart: part !== undefined }
    return this.#context
  }

  async #readBundle(): Promise<Buffer | undefined> {
    const path = this.#settings.caBundleFile
    if (path === undefined) return undefined
    let bundle: Buffer
    try {
      bundle = await readBoundedFile(path, maxCaBundleBytes)
    } catch (error) {
      throw new AgentError('CONFIG_INVALID', `ca_bundle_file: ${messageOf(error)}`, { cause: error })
    }
    if (!sameBytes(this.#context?.bundle, bundle)) {
      for (const oddity of checkBundle(path, bundle)) this.#remark('warn', `ca_bundle_file: ${path}: ${oddity}`)
    }
    return bundle
  }
}

const notChecked =
  'validate_cloud_cert is false: the certificate of the cloud is NOT checked, and anyone on the way can read the token and control this device. Set it to true, with ca_bundle_file if the cloud has its own CA.'

async function textOf(bundle: Buffer | undefined): Promise<string> {
  return bundle?.toString('latin1') ?? (await import('./embedded-roots.ts')).embeddedRoots()
}

function sameBytes(one: Buffer | undefined, other: Buffer | undefined): boolean {
  return one === other || (one !== undefined && other !== undefined && one.equals(other))
}

/** OpenSSL silently skips what it cannot read; the owner must learn of it. Returns harmless oddities. */
function checkBundle(path: string, bundle: Buffer): readonly string[] {
  const refuse = (why: string, cause?: unknown) =>
    new AgentError('CONFIG_INVALID', `ca_bundle_file: ${path}: ${why}`, { cause })
  if (bundle.length === 0) throw refuse('the file is empty')
  const { certificates, oddities } = readPem(bundle.toString('latin1'))
  if (certificates.length === 0) throw refuse('no certificate in PEM form ("-----BEGIN CERTIFICATE-----") in it')
  for (const [index, block] of certificates.entries()) {
    try {
      new X509Certificate(block)
    } catch (error) {
      throw refuse(`certificate ${index + 1} of ${certificates.length} cannot be read: ${messageOf(error)}`, error)
    }
  }
  return oddities
}
