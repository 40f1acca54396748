import { join } from 'node:path'
import { AgentError } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import { readBoundedText } from '../../platform/read-file.ts'
import { Status } from '../../protocol/status.ts'
import { manifestName, mostManifestBytes, parseManifest, type UpdateManifest } from './manifest.ts'
import { unpackPackage } from './unpack.ts'
import { UpdateError } from './update-error.ts'

/** What the owner of the device wants of a package: `ota.public_keys` and `ota.require_signature`. */
export interface PackageRules {
  readonly publicKeys: readonly string[]
  readonly requireSignature: boolean
}

/**
 * Unpacks a package into `folder` and reads what it wants done. Whatever speaks against it is found here, before any script.
 *
 * @throws UpdateError, AgentError
 */
export async function openPackage(
  path: string,
  folder: string,
  rules: PackageRules,
  log: Log,
  signal: AbortSignal,
): Promise<UpdateManifest> {
  if (rules.requireSignature)
    throw new UpdateError('POLICY_REFUSED', Status.NoPermission, 'ota.require_signature refuses unsigned packages')
  await unpackPackage(path, folder, signal)
  const text = await manifestText(folder)
  const { manifest } = parseManifest(text)
  log.info('package unpacked', { name: manifest.name, version: manifest.version })
  return manifest
}

async function manifestText(folder: string): Promise<string> {
  try {
    return await readBoundedText(join(folder, manifestName), mostManifestBytes)
  } catch (error) {
    if (!(error instanceof AgentError && error.code === 'FILE_NOT_FOUND')) throw error
    throw new UpdateError('PACKAGE_INVALID', Status.BadParameter, `the package has no ${manifestName} at its root`)
  }
}
