import { AgentError, type ErrorCode, errnoOf, messageOf } from '../../base/errors.ts'
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

/** What to do, where "owner, mode and mount options" have nothing to do with it. */
const remedies: Readonly<Record<string, string>> = {
  ENOENT: 'Check the path.',
  ENOTDIR: 'Check the path.',
  ESTALE: 'Try again.',
  EEXIST: 'Name another one, or move that one away.',
  ENOTEMPTY: 'Name another one, or move what is in it away.',
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

/** What another try does not change: the file is gone, something else, or known as rotten by the file system. */
const lasting = new Set<unknown>(['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP', 'EBADMSG', 'EUCLEAN'])

/** Whether a file that could not be read is lost. A disk that comes and goes, or a process short of descriptors, is no reason to give it up. */
export function isLasting(error: unknown): boolean {
  return error instanceof AgentError && lasting.has(error.details?.errno)
}

/** A failure of the file system as an `AgentError` (`FILE_NOT_FOUND`, `DISK_FULL` or `FILE_ACCESS`): `cannot VERB PATH: REASON`. */
export function fileFailure(verb: string, path: string, error: unknown): AgentError {
  if (error instanceof AgentError) return error
  const errno = errnoOf(error)
  const [code, reason] = reasons[errno ?? ''] ?? ['FILE_ACCESS', messageOf(error)]
  const told = errno === 'ENOENT' ? whyMissing(verb, path) : reason
  const name = errno === undefined ? '' : ` (${errno})`
  const remedy = errno === 'ENOENT' && isMisread(path) ? remedyForMisread : remedies[errno ?? '']
  return new AgentError(code, `cannot ${verb} ${shownName(path)}: ${told}${name}`, {
    cause: error,
    details: { path, errno },
    ...(remedy === undefined ? {} : { remedy }),
  })
}

/** Whether a path was read by somebody who put U+FFFD for bytes that are no UTF-8: it leads nowhere then. */
export function isMisread(path: string): boolean {
  return path.includes('\ufffd')
}

export const remedyForMisread =
  'A file whose name is not UTF-8 cannot be named: rename it, or send it inside of an archive: one that you make with tar, or that of file_upload for a whole folder (upload_tar_file).'

function whyMissing(verb: string, path: string): string {
  // What is to be made need not be there: its folder is what is missing.
  if (verb === 'create') return 'the folder that it is to be in does not exist'
  return isMisread(path) ? 'it does not exist, or its name is not UTF-8' : 'it does not exist'
}
