import type { Settings } from '../config/settings.ts'
import type { RootMemory } from './known-roots.ts'
import type { TlsPolicy } from './tls-policy.ts'

/** Whom the agent believes, and over which TLS. One policy for MQTT, files and relay. */
export interface TrustSettings {
  /** False turns the check of the server's certificate off, which is said loudly. */
  readonly validateCloudCert: boolean
  /** Absolute path of a PEM file that replaces the embedded certificates. */
  readonly caBundleFile?: string
  /** Absent: what `compatible` takes, and a warning about what `modern` would not. */
  readonly tls?: TlsPolicy
  /** Keeps the agent from holding a whole bundle in memory for the sake of one root. */
  readonly rootMemory?: RootMemory
}

/** What the owner's connection settings say about trust. */
export function trustSettings({ cloud, validateCloudCert, caBundleFile }: Settings): TrustSettings {
  return {
    validateCloudCert,
    ...(caBundleFile === undefined ? {} : { caBundleFile }),
    ...(cloud.tls === undefined ? {} : { tls: cloud.tls }),
  }
}
