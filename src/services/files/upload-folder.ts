// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'
import { AgentError, asAgentError, type ErrorCode, withoutStop } from '../../base/errors.ts'
import { throwIfAborted } from '../../base/wait.ts'
import { shownName } from '../../platform/files/name-bytes.ts'
import { folderTree, type LeaveOut } from '../../platform/held/folder-tree.ts'
import type { TransferFolder } from '../../platform/held/transfer-folder.ts'
import { fileLimits } from './limits.ts'
import type { UploadedFile } from './types.ts'

/** A regular file below a folder. */
export interface FolderEntry {
  /** Path on this device. */
  readonly path: string
  /** Path relative to the folder, with `/`. */
  readonly relative: string
  readonly bytes: number
}

/**
 * All regular files in `folder` and its sub-folders, in the order of their names. Symbolic links, devices, sockets and pipes are
 * left out, and what `leaveOut` says. Rejects with `LIMIT_EXCEEDED` when there are too many, or too deep.
 */
export async function listFolderFiles(
  folder: TransferFolder,
  signal: AbortSignal,
  leaveOut?: LeaveOut,
): Promise<readonly FolderEntry[]> {
  const found: FolderEntry[] = []
  const limits = { maxEntries: fileLimits.folderEntries, maxDepth: fileLimits.folderDepth + 1 }
  for await (const { path: relative, facts } of folderTree(folder, limits, leaveOut)) {
    throwIfAborted(signal)
    if (facts.kind !== 'file') continue
    if (found.length >= fileLimits.folderFiles) throw tooMany(folder.path)
    found.push({ path: join(folder.path, relative), relative, bytes: facts.bytes })
  }
  return found.sort((a, b) => (a.relative < b.relative ? -1 : 1))
}

function tooMany(folder: string): AgentError {
  const limit = fileLimits.folderFiles
  return new AgentError('LIMIT_EXCEEDED', `${folder} has more than ${limit} files; upload its parts one by one.`, {
    details: { path: folder, limit },
  })
}

interface Failed {
  readonly path: string
  readonly name: string
  readonly error: AgentError
}

/** After so many files in a row that could not be sent because of the way to the cloud, the rest is not tried. */
const unreachableInARow = 3
const aboutTheFile: ReadonlySet<ErrorCode> = new Set([
  'FILE_NOT_FOUND',
  'FILE_ACCESS',
  'FILE_CHANGED',
  'INVALID_ARGUMENT',
])

/**
 * Sends files one after the other; a failed one does not stop the others.
 * Rejects when any failed: the code of the first failure, and `details.uploaded` and `details.failed` with all of them.
 */
export async function uploadEach(
  folder: string,
  entries: readonly FolderEntry[],
  signal: AbortSignal,
  upload: (entry: FolderEntry) => Promise<UploadedFile>,
): Promise<readonly UploadedFile[]> {
  const uploaded: UploadedFile[] = []
  const failed: Failed[] = []
  let unreachable = 0
  for (const entry of entries) {
    const last = failed.at(-1)
    if (unreachable >= unreachableInARow && last !== undefined) {
      failed.push({ path: entry.path, name: entry.relative, error: last.error })
      continue
    }
    try {
      uploaded.push(await upload(entry))
      unreachable = 0
    } catch (thrown) {
      throwIfAborted(signal)
      const error = asAgentError(thrown)
      failed.push({ path: entry.path, name: entry.relative, error })
      unreachable = aboutTheFile.has(error.code) ? 0 : unreachable + 1
    }
  }
  if (failed.length > 0) throw partialFailure(folder, uploaded, failed)
  return uploaded
}

const shownFailures = 5

function partialFailure(folder: string, uploaded: readonly UploadedFile[], failed: readonly Failed[]): AgentError {
  const [first] = failed
  const shown = failed
    .slice(0, shownFailures)
    .map(({ name, error }) => `${shownName(name)}: ${withoutStop(error.message)}`)
  const more = failed.length > shownFailures ? `; and ${failed.length - shownFailures} more` : ''
  const total = uploaded.length + failed.length
  const text = `${failed.length} of ${total} files of ${shownName(folder)} were not uploaded: ${shown.join('; ')}${more}.`
  return new AgentError(first?.error.code ?? 'INTERNAL', text, {
    cause: first?.error,
    details: {
      uploaded,
      failed: failed.map(({ path, name, error }) => ({ path, name, code: error.code, message: error.message })),
    },
  })
}
