// SPDX-License-Identifier: Apache-2.0

import { type TransferFiles, transferFiles } from '../../src/platform/held/transfer-files.ts'
import type { TransferFolder } from '../../src/platform/held/transfer-folder.ts'

/** The real file system, but with other folders. */
export function withFolders(change: (folder: TransferFolder) => Partial<TransferFolder>): TransferFiles {
  return { ...transferFiles, openFolder: async path => changed(await transferFiles.openFolder(path), change) }
}

function changed(folder: TransferFolder, change: (folder: TransferFolder) => Partial<TransferFolder>): TransferFolder {
  return {
    path: folder.path,
    isOpenToOthers: () => folder.isOpenToOthers(),
    look: name => folder.look(name),
    list: () => folder.list(),
    openFolder: async name => changed(await folder.openFolder(name), change),
    openFile: name => folder.openFile(name),
    readLink: name => folder.readLink(name),
    makeFolder: (name, mode) => folder.makeFolder(name, mode),
    createPrivate: (...how) => folder.createPrivate(...how),
    rename: (from, to) => folder.rename(from, to),
    remove: name => folder.remove(name),
    sync: () => folder.sync(),
    freeSpace: () => folder.freeSpace(),
    close: () => folder.close(),
    ...change(folder),
  }
}
