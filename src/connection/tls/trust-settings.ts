// SPDX-License-Identifier: Apache-2.0
import type { Settings } from '../../config/settings.ts'
import type { RootMemory } from './known-roots.ts'
import type { TlsPolicy } from './tls-policy.ts'

/** Which servers the agent trusts, and over which TLS. One policy for MQTT, files and relay. */
export interface TrustSettings {
  /** False turns the check of the server's certificate off, with a warning in the log. */
  readonly validateCloudCert: boolean
  /** Absolute path of a PEM file that replaces the embedded certificates. */
  readonly caBundleFile?: string | undefined
  /** Absent: what `compatible` accepts, with a warning about what `modern` would not. */
  readonly tls?: TlsPolicy | undefined
  /** Keeps the agent from holding a whole bundle in memory for the sake of one root. */
  readonly rootMemory?: RootMemory | undefined
}

/** The owner's connection settings about trust. */
export function trustSettings({ cloud, validateCloudCert, caBundleFile }: Settings): TrustSettings {
  return { validateCloudCert, caBundleFile, tls: cloud.tls }
}
