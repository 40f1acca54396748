import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { type ConnectionOptions, createSecureContext, type SecureContext } from 'node:tls'
import { AgentError, messageOf } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import { readBoundedFile } from '../platform/read-file.ts'

/** Whom the agent believes. One policy for MQTT, files and relay. */
export interface TrustSettings {
  /** False turns the check of the server's certificate off, which is said loudly. */
  readonly validateCloudCert: boolean
  /** Absolute path of a PEM file that replaces the embedded certificates. */
  readonly caBundleFile?: string
}

/** Largest `ca_bundle_file`; all of Mozilla's programme is 0.2 MB. */
export const maxCaBundleBytes = 4 * 1024 * 1024

const pemBlock = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[\s\S]*?-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g

/** The TLS policy of the agent: TLS 1.2 or 1.3, the certificate and the host name checked, never silently less. */
export class Trust {
  readonly #settings: TrustSettings
  readonly #log: Log
  #warned = false
  #context: { readonly bundle: Buffer | undefined; readonly made: SecureContext } | undefined

  constructor(settings: TrustSettings, log: Log) {
    this.#settings = settings
    this.#log = log
  }

  /**
   * Options of `tls.connect` for a server of this name or address.
   *
   * @throws AgentError `CONFIG_INVALID` when `ca_bundle_file` cannot be used
   */
  async tlsOptions(host: string): Promise<ConnectionOptions> {
    const { validateCloudCert } = this.#settings
    if (!validateCloudCert) this.#warnOnce()
    return {
      secureContext: await this.#secureContext(),
      rejectUnauthorized: validateCloudCert,
      // An address has no place in SNI [RFC 6066 3]; `host` makes the check look for it among the addresses of the certificate.
      host,
      ...(isIP(host) === 0 ? { servername: host } : {}),
    }
  }

  #warnOnce(): void {
    if (this.#warned) return
    this.#warned = true
    this.#log.warn(
      'validate_cloud_cert is false: the certificate of the cloud is NOT checked, and anybody on the way can read the token and give orders to this device. Set it to true, with ca_bundle_file if the cloud has its own CA.',
    )
  }

  async #secureContext(): Promise<SecureContext> {
    const bundle = await this.#readBundle()
    // The file is read at each connection, so that a renewed one is taken; the costly parse happens only when it changed.
    if (this.#context !== undefined && sameBytes(this.#context.bundle, bundle)) return this.#context.made
    const ca = bundle?.toString('latin1') ?? (await import('./ca-bundle.ts')).caBundle
    const made = createSecureContext({ ca, minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3' })
    this.#context = { bundle, made }
    return made
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

function sameBytes(one: Buffer | undefined, other: Buffer | undefined): boolean {
  return one === other || (one !== undefined && other !== undefined && one.equals(other))
}

/** OpenSSL skips what it cannot read without a word; an operator must hear it. */
function checkBundle(path: string, bundle: Buffer): void {
  const refuse = (why: string, cause?: unknown) =>
    new AgentError('CONFIG_INVALID', `ca_bundle_file: ${path}: ${why}`, cause === undefined ? {} : { cause })
  if (bundle.length === 0) throw refuse('the file is empty')
  const blocks = bundle.toString('latin1').match(pemBlock) ?? []
  if (blocks.length === 0) throw refuse('no certificate in PEM form ("-----BEGIN CERTIFICATE-----") in it')
  for (const [index, block] of blocks.entries()) {
    try {
      new X509Certificate(block)
    } catch (error) {
      throw refuse(`certificate ${index + 1} of ${blocks.length} cannot be read: ${messageOf(error)}`, error)
    }
  }
}
