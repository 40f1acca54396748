import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { type ConnectionOptions, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls'
import { AgentError, messageOf } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import { readBoundedFile } from '../platform/read-file.ts'
import { KnownRoots, type RootMemory } from './known-roots.ts'

/** Whom the agent believes. One policy for MQTT, files and relay. */
export interface TrustSettings {
  /** False turns the check of the server's certificate off, which is said loudly. */
  readonly validateCloudCert: boolean
  /** Absolute path of a PEM file that replaces the embedded certificates. */
  readonly caBundleFile?: string
  /** Keeps the agent from holding a whole bundle in memory for the sake of one root. */
  readonly rootMemory?: RootMemory
}

/** How to check a server. */
export interface TrustOptions {
  readonly tls: ConnectionOptions
  /** Not all of the bundle, but what vouched before: who is refused by it may still be trusted by the whole. */
  readonly isPart: boolean
}

interface Context {
  /** The content of `ca_bundle_file`; undefined for the embedded certificates. */
  readonly bundle: Buffer | undefined
  readonly made: SecureContext
  readonly isPart: boolean
}

/** Largest `ca_bundle_file`; all of Mozilla's programme is 0.2 MB. */
export const maxCaBundleBytes = 4 * 1024 * 1024

const pemBlock = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[\s\S]*?-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g

/** The TLS policy of the agent: TLS 1.2 or 1.3, the certificate and the host name checked, never silently less. */
export class Trust {
  readonly #settings: TrustSettings
  readonly #log: Log
  readonly #roots: KnownRoots
  #warned = false
  #context: Context | undefined

  constructor(settings: TrustSettings, log: Log) {
    this.#settings = settings
    this.#log = log
    this.#roots = new KnownRoots(settings.rootMemory, log)
  }

  /**
   * How to check a server of this name or address.
   *
   * @param extent `whole` when a part of the bundle did not do
   * @throws AgentError `CONFIG_INVALID` when `ca_bundle_file` cannot be used
   */
  async optionsFor(host: string, extent: 'enough' | 'whole' = 'enough'): Promise<TrustOptions> {
    const { validateCloudCert } = this.#settings
    if (!validateCloudCert) this.#warnOnce()
    const { made, isPart } = await this.#secureContext(extent)
    const tls = {
      secureContext: made,
      rejectUnauthorized: validateCloudCert,
      // An address has no place in SNI [RFC 6066 3]; `host` makes the check look for it among the addresses of the certificate.
      host,
      ...(isIP(host) === 0 ? { servername: host } : {}),
    }
    return { tls, isPart }
  }

  /** A server was trusted by the whole bundle: next time what vouched for it will do. */
  async trusted(socket: TLSSocket): Promise<void> {
    const context = this.#context
    if (!socket.authorized || context === undefined || context.isPart) return
    const isNews = await this.#roots.learn(socket, blocksOf(await textOf(context.bundle)))
    if (isNews && this.#context === context) this.#context = undefined
  }

  #warnOnce(): void {
    if (this.#warned) return
    this.#warned = true
    this.#log.warn(
      'validate_cloud_cert is false: the certificate of the cloud is NOT checked, and anybody on the way can read the token and give orders to this device. Set it to true, with ca_bundle_file if the cloud has its own CA.',
    )
  }

  async #secureContext(extent: 'enough' | 'whole'): Promise<Context> {
    const bundle = await this.#readBundle()
    // The file is read at each connection, so that a renewed one is taken; the costly parse happens only when it changed.
    const before = this.#context
    if (before !== undefined && sameBytes(before.bundle, bundle) && !(before.isPart && extent === 'whole'))
      return before
    const text = await textOf(bundle)
    const part = extent === 'whole' ? undefined : await this.#roots.choose(blocksOf(text))
    const ca = part === undefined ? text : part.join('\n')
    const made = createSecureContext({ ca, minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3' })
    this.#context = { bundle, made, isPart: part !== undefined }
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
    if (!sameBytes(this.#context?.bundle, bundle)) checkBundle(path, bundle)
    return bundle
  }
}

async function textOf(bundle: Buffer | undefined): Promise<string> {
  return bundle?.toString('latin1') ?? (await import('./ca-bundle.ts')).caBundle
}

function blocksOf(text: string): readonly string[] {
  return text.match(pemBlock) ?? []
}

function sameBytes(one: Buffer | undefined, other: Buffer | undefined): boolean {
  return one === other || (one !== undefined && other !== undefined && one.equals(other))
}

/** OpenSSL skips what it cannot read without a word; an operator must hear it. */
function checkBundle(path: string, bundle: Buffer): void {
  const refuse = (why: string, cause?: unknown) =>
    new AgentError('CONFIG_INVALID', `ca_bundle_file: ${path}: ${why}`, cause === undefined ? {} : { cause })
  if (bundle.length === 0) throw refuse('the file is empty')
  const blocks = blocksOf(bundle.toString('latin1'))
  if (blocks.length === 0) throw refuse('no certificate in PEM form ("-----BEGIN CERTIFICATE-----") in it')
  for (const [index, block] of blocks.entries()) {
    try {
      new X509Certificate(block)
    } catch (error) {
      throw refuse(`certificate ${index + 1} of ${blocks.length} cannot be read: ${messageOf(error)}`, error)
    }
  }
}
