// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { messageOf, withoutStop } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import { throwIfAborted } from '../../base/wait.ts'
import { fileFacts } from '../../platform/files/file-facts.ts'
import { listFolder } from '../../platform/files/folders.ts'
import { fileChunks } from '../../platform/held/file-chunks.ts'
import { userId } from '../../platform/process/process-facts.ts'
import { Status } from '../../protocol/status.ts'
import { type AdmissionParts, admitPackage } from './admission.ts'
import {
  checkPackage,
  ManifestError,
  type PackageRecord,
  packageLimits,
  type ReadListing,
  type RecordedPackage,
  recordOf,
  scanPackage,
  scriptLogName,
  UnverifiedPackage,
  type UpdateManifest,
} from './package/index.ts'

export interface VerificationParts extends AdmissionParts {
  /** The package itself, which may be gone by now. */
  readonly path: string
  /** The unpacked package. */
  readonly folder: string
  readonly record: PackageRecord
  readonly log: Log
  readonly signal: AbortSignal
}

/**
 * Verifies, in a process that did not unpack it, that the files in `folder` are a package that this device may install: signature,
 * name, release and devices are checked again, and every file must have the content that was signed.
 *
 * A script may have removed and added files, so files may be missing or new only after the first script has begun. A file that
 * a script has changed is no longer the signed one: the update does not continue.
 *
 * Where no signature is required, no check holds against a user who can write the journal. A package is then only checked for
 * damage, and only while none of its scripts has run.
 *
 * @param journaled the manifest by the journal
 * @param changed a script has begun
 * @returns the manifest that was signed, also where the journal has another one
 * @throws UnverifiedPackage
 */
export async function verifyPackage(
  journaled: UpdateManifest,
  changed: boolean,
  parts: VerificationParts,
): Promise<UpdateManifest> {
  const { owner, folder, log, signal } = parts
  try {
    const facts = await fileFacts(folder, { followLinks: false })
    if (facts?.kind !== 'folder') throw new Error(`${folder} is no folder`)
    const isOurs = facts.ownerId === 0 || facts.ownerId === userId()
    if (owner.requireSignature && (!isOurs || (facts.mode & 0o022) !== 0))
      throw new Error(`${folder} belongs to another user, or others may write to it`)
    const recorded = await recordedPackage(parts)
    if (!owner.requireSignature) {
      if (recorded !== undefined && !changed) await checkTree(recorded.listing, parts, true)
      return journaled
    }
    if (recorded === undefined) throw new Error('the package is gone, and there is no record of it')
    const { revoked } = await parts.signed.read()
    const checked = checkPackage(recorded.scanned, owner, revoked)
    const manifest = await admitPackage(checked, parts)
    const { agent } = manifest
    if (agent !== undefined && !recorded.listing.files.has(agent))
      throw new ManifestError(`"agent" names ${JSON.stringify(agent)}, which is not in the package`)
    await checkTree(recorded.listing, parts, !changed)
    log.info('the unpacked package is the one that was signed', { signedBy: manifest.signedBy })
    return manifest
  } catch (error) {
    throwIfAborted(signal)
    const message = `After the restart the unpacked files cannot be verified as the accepted package, so none of its scripts is run: ${withoutStop(messageOf(error))}.`
    throw new UnverifiedPackage('POLICY_REFUSED', Status.NoPermission, message, { cause: error })
  }
}

async function recordedPackage({
  record,
  path,
  owner,
  signal,
}: VerificationParts): Promise<RecordedPackage | undefined> {
  const recorded = await record.read()
  // An earlier release of the agent wrote no record. The package itself is read then, while it is still there.
  if (recorded !== undefined || !owner.requireSignature || (await fileFacts(path))?.kind !== 'file') return recorded
  return recordOf(await scanPackage(path, signal))
}

/** Holds the unpacked files to the listing. `isExact`: nothing may be missing or new. */
async function checkTree(listing: ReadListing, { folder, signal }: VerificationParts, isExact: boolean): Promise<void> {
  for (const [path, { sum }] of listing.files) {
    const shown = JSON.stringify(path)
    const facts = await fileFacts(join(folder, path), { followLinks: false })
    if (facts === undefined && !isExact) continue
    if (facts?.kind !== 'file')
      throw new Error(`its file ${shown} is ${facts === undefined ? 'gone' : 'no file any more'}`)
    const hash = createHash('sha256')
    for await (const chunk of fileChunks(join(folder, path))) {
      throwIfAborted(signal)
      hash.update(chunk)
    }
    if (hash.digest('hex') !== sum) throw new Error(`its file ${shown} was changed`)
  }
  if (isExact) await checkNothingNew(listing, folder)
}

async function checkNothingNew({ files, folders }: ReadListing, folder: string): Promise<void> {
  const known = new Set(folders)
  for (const path of [...files.keys(), ...folders])
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) known.add(path.slice(0, at))
  const limits = { maxEntries: 2 * packageLimits.maxEntries + 1, maxDepth: packageLimits.maxDepth + 1 }
  for await (const { path, facts } of listFolder(folder, limits)) {
    if (path === scriptLogName && facts.kind === 'file') continue
    if (!(facts.kind === 'folder' ? known : files).has(path)) throw new Error(`${JSON.stringify(path)} is new in it`)
    known.delete(path)
  }
  for (const path of known) throw new Error(`its folder ${JSON.stringify(path)} is gone`)
}
