// SPDX-License-Identifier: Apache-2.0
import type { TransferFolder } from './transfer-folder.ts'

/** Folders that are missing, each inside the one before. */
export interface MissingFolders {
  readonly names: readonly string[]
  /** Their permission bits. */
  readonly mode: number
}

/**
 * Makes folders below `first`, which stays open, and follows no link that another user puts there meanwhile. Returns the last of
 * them, for the caller to close; `first` itself when none is missing.
 */
export async function makeWay(first: TransferFolder, { names, mode }: MissingFolders): Promise<TransferFolder> {
  let folder = first
  try {
    for (const name of names) {
      await folder.makeFolder(name, mode)
      const next = await folder.openFolder(name)
      if (folder !== first) await folder.close()
      folder = next
    }
    return folder
  } catch (error) {
    if (folder !== first) await folder.close()
    throw error
  }
}
