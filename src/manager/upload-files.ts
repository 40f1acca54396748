import { join } from 'node:path'
import { listFolder } from '../platform/folders.ts'
import { type TransferFiles, transferFiles } from '../platform/transfer-files.ts'
import type { FileUploadParts } from './actions/file-upload.ts'
import type { FileSnapshot } from './file-snapshot.ts'
import { archiveFolder } from './folder-archive.ts'

const limits = { maxEntries: 50_000, maxDepth: 64 }

/**
 * The file system as `file_upload` sees it.
 *
 * @param temporaryFolder where archives are made
 */
export function uploadFiles(
  temporaryFolder: string,
  files: TransferFiles = transferFiles,
): Pick<FileUploadParts, 'look' | 'snapshots' | 'archive' | 'removeUnchanged'> {
  const look: FileUploadParts['look'] = async path => {
    const facts = await files.look(path, { followLinks: false })
    return facts === undefined ? undefined : { kind: facts.kind, snapshot: snapshotOf(path, facts) }
  }
  return {
    look,
    snapshots: async folder => {
      const found: FileSnapshot[] = []
      for await (const { path, facts } of listFolder(folder, limits)) {
        if (facts.kind !== 'file') continue
        const seen = await look(join(folder, path))
        if (seen?.kind === 'file') found.push(seen.snapshot)
      }
      return found
    },
    archive: (folder, signal) => archiveFolder(folder, temporaryFolder, signal, files),
    removeUnchanged: async file => {
      const now = await look(file.path)
      const isSame = now?.snapshot.bytes === file.bytes && now.snapshot.modifiedNs === file.modifiedNs
      if (now?.kind === 'file' && isSame) await files.remove(file.path)
    },
  }
}

function snapshotOf(path: string, facts: { readonly bytes: number; readonly modifiedNs: bigint }): FileSnapshot {
  return { path, bytes: facts.bytes, modifiedNs: facts.modifiedNs }
}
