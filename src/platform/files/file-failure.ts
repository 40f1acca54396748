// SPDX-License-Identifier: Apache-2.0
import { AgentError, type ErrorCode, errnoOf, messageOf, withoutStop } from '../../base/errors.ts'
import { shownName } from './name-bytes.ts'

/** What the common errno names mean, in words for a user; the others are shown by name. */
const reasons: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  ENOENT: ['FILE_NOT_FOUND', 'it does not exist'],
  ENOTDIR: ['FILE_NOT_FOUND', 'a part of the path is not a folder'],
  ENOSPC: ['DISK_FULL', 'the file system is full'],
  EDQUOT: ['DISK_FULL', 'the quota is used up'],
  EFBIG: ['FILE_ACCESS', 'the file system does not take files of this size'],
  EACCES: ['FILE_ACCESS', 'permission denied'],
  EPERM: ['FILE_ACCESS', 'operation not permitted'],
  EROFS: ['FILE_ACCESS', 'the file system is mounted read-only'],
  EIO: ['FILE_ACCESS', 'the disk reports an input/output error'],
  EISDIR: ['FILE_ACCESS', 'it is a folder'],
  ELOOP: ['FILE_ACCESS', 'it is a symbolic link, or links form a loop'],
  EMFILE: ['FILE_ACCESS', 'too many files are open in this process'],
  ENFILE: ['FILE_ACCESS', 'too many files are open on this system'],
  ENAMETOOLONG: ['FILE_ACCESS', 'the name is too long for the file system'],
  ETXTBSY: ['FILE_ACCESS', 'it is being executed'],
  EBUSY: ['FILE_ACCESS', 'it is in use'],
  ESTALE: ['FILE_NOT_FOUND', 'another file is in its place'],
  EXDEV: ['FILE_ACCESS', 'source and destination are on different file systems'],
}

/** What to do, where the general remedy (owner, mode and mount options) does not help. */
const remedies: Readonly<Record<string, string>> = {
  ENOENT: 'Check the path.',
  ENOTDIR: 'Check the path.',
  ESTALE: 'Try again.',
  EEXIST: 'Name another one, or move the existing one away.',
  ENOTEMPTY: 'Name another one, or move its content away.',
  EFBIG: 'Use a smaller file, or another file system.',
  EDQUOT: 'Remove files of this user, or have the quota raised.',
  EROFS: 'Name a place that can be written to, or mount the file system for writing.',
  EIO: 'Look into the log of the kernel (dmesg): the disk may be failing.',
  EISDIR: 'Name a file.',
  ELOOP: 'Name the file itself, not a link to it.',
  EMFILE: 'Report it with the log and the output of "device-cloud status --json".',
  ENFILE: 'See which program holds so many files, or raise fs.file-max.',
  ENAMETOOLONG: 'Use a shorter name.',
  ETXTBSY: 'End the program, and try again.',
  EBUSY: 'Find out what uses it, and try again.',
  EXDEV: 'Use places on one file system.',
}

/** What another try does not change: the file is gone, is no file, or is damaged as the file system knows. */
const lasting = new Set<unknown>(['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP', 'EBADMSG', 'EUCLEAN'])

/** Whether a file that could not be read is lost. A disk that comes and goes, or a process that is short of descriptors, does not mean that. */
export function isLasting(error: unknown): boolean {
  return error instanceof AgentError && lasting.has(error.details?.errno)
}

/** A failure of the file system as an `AgentError` (`FILE_NOT_FOUND`, `DISK_FULL` or `FILE_ACCESS`): `Cannot VERB PATH: REASON (ERRNO).` */
export function fileFailure(verb: string, path: string, error: unknown): AgentError {
  if (error instanceof AgentError) return error
  const errno = errnoOf(error)
  const [code, known] = reasons[errno ?? ''] ?? ['FILE_ACCESS', withoutStop(messageOf(error))]
  const reason = errno === 'ENOENT' ? whyMissing(verb, path) : known
  const name = errno === undefined ? '' : ` (${errno})`
  const remedy = errno === 'ENOENT' && isMisread(path) ? remedyForMisread : remedies[errno ?? '']
  return new AgentError(code, `Cannot ${verb} ${shownName(path)}: ${reason}${name}.`, {
    cause: error,
    details: { path, errno },
    remedy,
  })
}

/** Whether the program that gave this path had put U+FFFD for bytes that are not UTF-8: it leads nowhere then. */
export function isMisread(path: string): boolean {
  return path.includes('\ufffd')
}

export const remedyForMisread =
  'A path in a request must be UTF-8. Rename the file, or send it inside an archive: make one with tar, or upload the whole folder with file_upload and upload_tar_file.'

function whyMissing(verb: string, path: string): string {
  // A file that is being created need not exist: its folder is missing.
  if (verb === 'create') return 'its folder does not exist'
  return isMisread(path) ? 'it does not exist, or its name is not UTF-8' : 'it does not exist'
}
