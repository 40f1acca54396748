// SPDX-License-Identifier: Apache-2.0
import { AgentError } from '../../../base/errors.ts'
import { type FileFacts, isSameFile } from '../../../platform/files/file-facts.ts'
import { inParentBelow, type TreeEntry } from '../../../platform/held/folder-tree.ts'
import type { ReadableFile } from '../../../platform/held/readable-file.ts'
import type { TransferFolder } from '../../../platform/held/transfer-folder.ts'
import type { Walked } from '../../../platform/held/walked.ts'
import { userId } from '../../../platform/process/process-facts.ts'
import type { Guard } from './guard.ts'

/** A file of a folder as it was when its upload began. */
export interface FileSnapshot {
  /** In the folder. */
  readonly path: string
  readonly facts: FileFacts
}

interface Held {
  /** The real path. */
  readonly path: string
  /** It is in the upload folder, where files may be removed after they were sent. */
  readonly isRemovable: boolean
  close(): Promise<void>
}

/** A file that is open to be sent. */
export interface FileSource extends Held {
  readonly kind: 'file'
  readonly file: ReadableFile
  /** Removes it, if it still has its name and is as it was when it was opened. */
  removeUnchanged(): Promise<void>
}

/** A folder that is held to be sent. */
export interface FolderSource extends Held {
  readonly kind: 'folder'
  readonly folder: TransferFolder
  /** Whether an entry must not be sent: one of the agent's own, or a file of another user with a second name. */
  leaveOut(entry: TreeEntry): Promise<boolean>
  /** Opens a file of it by its path in it. */
  openFile(folder: TransferFolder, path: string): Promise<ReadableFile>
  /** Removes a file of it, if it is still as it was. */
  removeUnchanged(file: FileSnapshot): Promise<void>
}

export type Source = FileSource | FolderSource

export async function fileSource(walked: Walked, guard: Guard, isRemovable: boolean): Promise<FileSource> {
  const { path, folder } = walked
  if (walked.file?.facts.kind !== 'file') throw unfit(path)
  const file = await walked.openFile()
  try {
    const facts = await file.facts()
    if (facts.kind !== 'file') throw unfit(path)
    checkNames(path, facts, walked.last.isOpenToOthers)
    await checkOwn(guard, path, { path: '', facts, isOpenToOthers: false })
    const { name } = walked.file
    return {
      kind: 'file',
      path,
      isRemovable,
      file,
      removeUnchanged: () => removeIfSame(folder, name, facts),
      close: async () => {
        await file.close()
        await walked.close()
      },
    }
  } catch (error) {
    await file.close()
    throw error
  }
}

export function folderSource(walked: Walked, guard: Guard, isRemovable: boolean): FolderSource {
  const { path, folder, close } = walked
  return {
    kind: 'folder',
    path,
    isRemovable,
    folder,
    leaveOut: async entry =>
      (entry.facts.kind === 'file' && hasForeignName(entry.facts, entry.isOpenToOthers)) ||
      guard.isOwnEntry(path, entry),
    openFile: (top, below) =>
      inParentBelow(top, below, async (parent, name) => {
        const file = await parent.openFile(name)
        try {
          const facts = await file.facts()
          if (facts.links > 1) checkNames(`${path}/${below}`, facts, await parent.isOpenToOthers())
          await checkOwn(guard, path, { path: below, facts, isOpenToOthers: false })
          return file
        } catch (error) {
          await file.close()
          throw error
        }
      }),
    removeUnchanged: ({ path: below, facts }) =>
      inParentBelow(folder, below, (parent, name) => removeIfSame(parent, name, facts)).catch(error => {
        if (!(error instanceof AgentError && error.code === 'FILE_NOT_FOUND')) throw error
      }),
    close,
  }
}

async function removeIfSame(folder: TransferFolder, name: string, then: FileFacts): Promise<void> {
  const now = await folder.look(name)
  const isSame =
    now?.kind === 'file' && isSameFile(now, then) && now.bytes === then.bytes && now.modifiedNs === then.modifiedNs
  if (isSame) await folder.remove(name)
}

/** Whether another user could have given this name to a file that is not theirs, to have it sent. */
function hasForeignName({ links, ownerId }: FileFacts, isOpenToOthers: boolean): boolean {
  return links > 1 && (isOpenToOthers || ownerId !== userId())
}

function checkNames(path: string, facts: FileFacts, isOpenToOthers: boolean): void {
  if (!hasForeignName(facts, isOpenToOthers)) return
  throw refused(
    path,
    `the file has ${facts.links} names (hard links), and users other than root could have made one of them; send a copy of it`,
  )
}

async function checkOwn(guard: Guard, top: string, entry: TreeEntry): Promise<void> {
  if (await guard.isOwnEntry(top, entry))
    throw refused(top, 'it belongs to the agent itself, and no file action reaches that')
}

function unfit(path: string): AgentError {
  return new AgentError('INVALID_ARGUMENT', `${path} is neither a file nor a folder.`, { details: { path } })
}

function refused(path: string, why: string): AgentError {
  return new AgentError('PATH_REFUSED', `${path}: ${why}.`, { details: { path } })
}
