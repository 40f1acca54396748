// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { AgentError } from '../../base/errors.ts'
import { throwIfAborted } from '../../base/wait.ts'
import { createNewFile } from '../../platform/files/new-file.ts'
import { spaceAt } from '../../platform/files/space.ts'
import { syncFolder } from '../../platform/files/sync-folder.ts'
import type { ForeignFolder } from '../../platform/owners/foreign-folder.ts'
import { packageKind } from '../ota/index.ts'
import { emptyPackages, type RootPlaces } from './root-places.ts'
import type { RootRequest } from './root-request.ts'

/** Space that stays free for other programs when a package is copied. */
const spareBytes = 16 * 1024 * 1024

/**
 * Copies the package of a request out of the folder of the manager's user into root's own: from here on no other user can replace
 * the file that is verified and installed. On flash when it resolves.
 *
 * @throws AgentError `PATH_REFUSED`, `FILE_NOT_FOUND`, `CHECKSUM_MISMATCH` when it is not the requested file,
 *   `LIMIT_EXCEEDED` when there is no room, `NOT_SUPPORTED` (neither .zip nor .tar.gz)
 */
export async function takePackage(
  request: Extract<RootRequest, { step: 'install' }>,
  state: ForeignFolder,
  places: RootPlaces,
  signal: AbortSignal,
): Promise<void> {
  packageKind(request.package)
  await emptyPackages(places)
  const { freeBytes } = await spaceAt(places.packages)
  const download = await state.folder('download')
  try {
    const file = await download.file(request.package, Math.max(0, freeBytes - spareBytes))
    if (file === undefined)
      throw new AgentError('FILE_NOT_FOUND', `There is no package ${JSON.stringify(request.package)} in download.`, {
        remedy: 'Send the package again.',
      })
    const copy = await createNewFile(join(places.packages, request.package), 0o600)
    try {
      const hash = createHash('sha256')
      for await (const chunk of file.chunks()) {
        throwIfAborted(signal)
        hash.update(chunk)
        await copy.write(chunk)
      }
      if (hash.digest('hex') !== request.sha256)
        throw new AgentError('CHECKSUM_MISMATCH', 'The package is not the one that was requested: its sum differs.')
      await copy.sync()
    } finally {
      await copy.close()
      await file.close()
    }
    await syncFolder(places.packages)
  } finally {
    await download.close()
  }
}
