// SPDX-License-Identifier: Apache-2.0
import type { NamedBy } from '../../connection/tcp/named-by.ts'
import type { LeaveOut } from '../../platform/held/folder-tree.ts'
import type { ReadableFile } from '../../platform/held/readable-file.ts'
import type { TransferFolder } from '../../platform/held/transfer-folder.ts'
import type { Requester } from '../../protocol/requester.ts'

/** How far a transfer is. */
export interface TransferProgress {
  /** Bytes of the file that have moved. Goes back when a transfer has to start over. */
  readonly transferredBytes: number
  /** Size of the file (of all files of a folder), or undefined while it is unknown. */
  readonly totalBytes: number | undefined
}

/** Options of a download. */
export interface DownloadOptions {
  /** Use the store of the whole organisation instead of the thing's own (default false). */
  readonly global?: boolean | undefined
  /** Milliseconds for everything: waiting for a turn, all tries, all pauses. Default: no limit but those on tries and idleness. */
  readonly timeoutMs?: number | undefined
  readonly signal?: AbortSignal | undefined
  /** Called at most every 100 ms and at the end. What it throws is logged and harms nothing. */
  readonly onProgress?: ((progress: TransferProgress) => void) | undefined
}

/** What the cloud notes about a file beside its content [TR50 file.put]. */
export interface FileMarks {
  /** Anyone who knows the id of the file can download it without a login (default false). */
  readonly public?: boolean | undefined
  /** Tags by which the cloud finds the file; at most 100 of 1024 bytes. */
  readonly tags?: readonly string[] | undefined
  /** Security tags: who may see it; at most 100 of 1024 bytes. */
  readonly secTags?: readonly string[] | undefined
  /** Whether the log of the thing gets an entry when the file is stored (default false). */
  readonly logComplete?: boolean | undefined
}

/** For a folder, they hold for each of its files. */
export interface UploadOptions extends DownloadOptions, FileMarks {
  /** Name in the cloud (default: the file's own name). For a folder: what stands before the relative names. */
  readonly name?: string | undefined
}

/** A file to send. */
export interface UploadOrigin {
  /** Where it is on this device, for results and messages; its last part is its name in the cloud by default. */
  readonly path: string
  /** Called once. The caller closes what it returns. */
  open(): Promise<ReadableFile>
}

export interface FolderUploadOptions extends UploadOptions {
  /** What stays here. */
  readonly leaveOut?: LeaveOut
  /** Opens a file of the folder by its path in it (default: as it is). */
  readonly openFile?: (folder: TransferFolder, path: string) => Promise<ReadableFile>
}

/** What a download was checked against: size and CRC-32 as announced by the cloud, or what it announced of them. */
export type Verified = 'size+crc32' | 'size' | 'crc32'

/** A finished download. */
export interface DownloadResult {
  readonly name: string
  /** Where the file is. */
  readonly path: string
  readonly bytes: number
  /** CRC-32 of the content, unsigned. */
  readonly crc32: number
  readonly verified: Verified
  /** How many times the file service was asked. */
  readonly tries: number
  /** Where the last try went on; 0 when it brought the whole file. */
  readonly resumedFromBytes: number
}

/** One file that the cloud has. */
export interface UploadedFile {
  /** Name in the cloud. */
  readonly name: string
  /** The file on this device. */
  readonly path: string
  readonly bytes: number
  readonly crc32: number
  readonly tries: number
}

/** A finished upload. */
export interface UploadResult {
  readonly path: string
  /** Sum of the sizes. */
  readonly bytes: number
  /** One entry for a file; one per regular file for a folder, in the order of the names. */
  readonly files: readonly UploadedFile[]
}

/** The slice of the requester that file transfers use. */
export type FileRequester = Pick<Requester, 'requestOne'>

/** Resolves when there is a link to the cloud; rejects when there was none in time, or when the signal fires. */
export type UntilUp = (options: { readonly timeoutMs: number; readonly signal: AbortSignal }) => Promise<void>

export interface HttpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: AsyncIterable<Uint8Array> & { destroy(): void }
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST'
  readonly host: string
  readonly port: number
  readonly path: string
  readonly headers?: Record<string, string>
  readonly body?: { readonly stream: AsyncIterable<Uint8Array>; readonly bytes?: number }
  readonly connectTimeoutMs: number
  readonly idleTimeoutMs: number
  readonly namedBy?: NamedBy
  readonly signal?: AbortSignal
}

/** The slice of the HTTPS client that file transfers use. */
export interface FileHttps {
  request(request: HttpRequest): Promise<HttpAnswer>
}
