import { Status } from '../../protocol/status.ts'
import type { UploadOptions, UploadResult } from '../../services/files/types.ts'
import type { FileSnapshot } from '../file-snapshot.ts'
import type { ArchivedFolder } from '../folder-archive.ts'
import { readTransferTarget } from '../transfer-paths.ts'
import type { ManagedAction } from './action.ts'
import type { Background, PathGuard, TransferSettings } from './file-download.ts'
import { BadParameter } from './params.ts'

/** How long an upload may take while the cloud waits for the answer [TR50 4.5]. */
const uploadTimeoutMs = 240_000

export interface FileUploadParts {
  readonly upload: (path: string, options: UploadOptions) => Promise<UploadResult>
  readonly settings: () => TransferSettings
  readonly guard: PathGuard
  /** What a path names, or undefined when it names nothing. */
  readonly look: (path: string) => Promise<{ readonly kind: string; readonly snapshot: FileSnapshot } | undefined>
  /** The regular files in and below a folder, as they are now. */
  readonly snapshots: (folder: string) => Promise<readonly FileSnapshot[]>
  /** Packs a folder into a private temporary file. */
  readonly archive: (folder: string, signal: AbortSignal) => Promise<ArchivedFolder>
  /** Removes the file of a snapshot if it is still the same one with the same content. */
  readonly removeUnchanged: (snapshot: FileSnapshot) => Promise<void>
  readonly background: Background
}

/**
 * `file_upload`: sends a file, or a folder, to the cloud store [TR50 4.5]. A folder goes as one tar with
 * `upload_tar_file`, else file by file. With `upload_remove_on_success` the files that were sent are removed, and only
 * they [M3]: what came into the folder meanwhile, or was written to, stays.
 */
export function fileUploadAction(parts: FileUploadParts): ManagedAction {
  const { settings, guard, look, background } = parts
  return {
    name: 'file_upload',
    switchedBy: 'file_transfers',
    concurrency: 4,
    timeoutMs: 0,
    run: async ({ params }, help) => {
      const { uploadFolder, waitForFileTransfer } = settings()
      const { fileName, path, relative, global } = readTransferTarget(params, uploadFolder)
      const admitted = await guard.admit(path, { folder: uploadFolder, relative })
      const found = await look(admitted)
      if (found === undefined) return { status: Status.NotFound, message: `there is no file ${path}` }
      if (found.kind !== 'file' && found.kind !== 'folder')
        throw new BadParameter(`${path} is neither a file nor a folder`)
      const names = { given: path, cloud: fileName }
      const send = (options: UploadOptions, signal: AbortSignal) =>
        found.kind === 'folder'
          ? sendFolder(parts, admitted, names, { ...options, global }, signal)
          : sendFile(parts, found.snapshot, names, { ...options, global })
      if (waitForFileTransfer) await send({ signal: help.signal, timeoutMs: uploadTimeoutMs }, help.signal)
      else background(`upload of ${path}`, signal => send({ signal }, signal))
      return { status: Status.Success, message: '' }
    },
  }
}

interface Names {
  /** The path as the action named it. */
  readonly given: string
  readonly cloud: string | undefined
}

async function sendFile(
  { upload, settings, removeUnchanged }: FileUploadParts,
  file: FileSnapshot,
  { given, cloud }: Names,
  options: UploadOptions,
): Promise<void> {
  await upload(file.path, cloud === undefined || cloud === '' ? options : { ...options, name: cloud })
  if (settings().uploadRemoveOnSuccess && isInUploadFolder(given)) await removeUnchanged(file)
}

async function sendFolder(
  parts: FileUploadParts,
  folder: string,
  { given }: Names,
  options: UploadOptions,
  signal: AbortSignal,
): Promise<void> {
  const { upload, settings, snapshots, archive, removeUnchanged } = parts
  let sent: readonly FileSnapshot[]
  if (settings().uploadTarFile) {
    const packed = await archive(folder, signal)
    try {
      await upload(packed.path, { ...options, name: tarName(given) })
    } finally {
      await packed.discard()
    }
    sent = packed.files
  } else {
    const before = await snapshots(folder)
    const { files } = await upload(folder, options)
    const uploaded = new Set(files.map(file => file.path))
    sent = before.filter(file => uploaded.has(file.path))
  }
  if (!settings().uploadRemoveOnSuccess || !isInUploadFolder(`${given}/`)) return
  for (const file of sent) await removeUnchanged(file)
}

/** The Python agent removes what it sent only from below a folder of this name. */
function isInUploadFolder(path: string): boolean {
  return path.includes('/upload/')
}

/** The Python agent's name for the tar of a folder: its full path with `-` for `/` [TR50 4.5]. */
function tarName(folder: string): string {
  return `${folder.slice(1).replaceAll('/', '-')}.tar`
}
