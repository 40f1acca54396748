// SPDX-License-Identifier: Apache-2.0
import { dirname } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { DeviceFacts } from '../../platform/system/device-facts.ts'
import { Status } from '../../protocol/status.ts'
import { type AdmissionParts, admitPackage } from './admission.ts'
import { awaitExpiry } from './await-expiry.ts'
import {
  type CheckedPackage,
  checkPackage,
  incompatibility,
  ManifestError,
  type PackageRecord,
  type ScannedPackage,
  scanPackage,
  UpdateError,
  type UpdateManifest,
  unpackPackage,
} from './package/index.ts'
import type { AgentSlot } from './trial/index.ts'

export interface OpenParts extends AdmissionParts {
  readonly facts: () => Promise<DeviceFacts>
  /** Where a new executable of the agent would go; undefined where it cannot be replaced. */
  readonly slot: AgentSlot | undefined
  /** Keeps what was accepted, for a later process that continues with the scripts. */
  readonly record: PackageRecord
  /** Called when the update waits for the clock of the device to be set. */
  readonly onWaitForClock: () => Promise<void>
  readonly clock: Clock
  readonly log: Log
  readonly signal: AbortSignal
}

/**
 * Reads the manifest of a package, makes every check, and then unpacks the package into `folder`.
 *
 * @throws UpdateError, AgentError
 */
export async function openPackage(path: string, folder: string, parts: OpenParts): Promise<UpdateManifest> {
  const { owner, signed, record, clock, log, signal, onWaitForClock } = parts
  const scanned = await scanPackage(path, signal)
  const trusts = scanned.signature !== undefined && owner.publicKeys.length > 0
  const checked = checkPackage(scanned, owner, trusts ? (await signed.read()).revoked : [])
  const { rules } = checked
  warn(checked, log)
  await checkDevice(checked, parts)
  const manifest = await admitPackage(checked, parts)
  if (manifest.agent !== undefined) await checkAgent(manifest.agent, scanned, folder, parts.slot)
  if (rules.expiresMs !== undefined) await awaitExpiry(rules.expiresMs, { clock, signal, onWait: onWaitForClock })
  await record.remove()
  await unpackPackage(path, folder, scanned, signal)
  await record.write(scanned)
  log.info('package unpacked', { name: manifest.name, version: manifest.version, signedBy: manifest.signedBy })
  return manifest
}

function warn({ covers, unchecked, rules, signers }: CheckedPackage, log: Log): void {
  if (unchecked) log.warn('the signature of the package is not checked: ota.public_keys names no key')
  if (covers === 'manifest')
    log.warn('the signature of the package is of the first form: modes, empty folders and order are not signed')
  if (signers.length === 0 && rules.revokes.length > 0)
    log.warn('"revokes" of a package counts only with an accepted signature: no key is revoked', {
      keys: rules.revokes,
    })
}

/** Checks that the agent can be replaced at all, before anything is changed. */
async function checkAgent(
  path: string,
  { bytes, size }: ScannedPackage,
  folder: string,
  slot: AgentSlot | undefined,
): Promise<void> {
  const agentBytes = bytes.get(path)
  if (agentBytes === undefined)
    throw new ManifestError(`"agent" names ${JSON.stringify(path)}, which is not in the package`)
  if (slot === undefined) {
    const message =
      'The package replaces the agent: that needs the single-file executable, a device manager that runs as root, and the cloud. Without these, copy the new executable there as root and restart the service.'
    throw new UpdateError('NOT_SUPPORTED', Status.NotSupported, message)
  }
  await slot.checkRoom(agentBytes, size.bytes, dirname(folder))
}

/** Packages from a time without this check have all kinds of rules: only a signed package must fit them. */
async function checkDevice({ rules, signers }: CheckedPackage, { facts, log }: OpenParts): Promise<void> {
  if (rules.compatibility.size === 0) return
  const why = incompatibility(rules.compatibility, await facts())
  if (why === undefined) return
  if (signers.length > 0)
    throw new UpdateError('NOT_SUPPORTED', Status.NotSupported, `The package does not fit this device: ${why}.`)
  log.warn('the compatibility of an unsigned package does not fit this device; it is installed all the same', {
    error: why,
  })
}
