import { constants } from 'node:fs'
import { lstat, open, readFile, stat } from 'node:fs/promises'
import { errnoOf } from '../../base/errors.ts'
import { fileFailure } from './file-failure.ts'
import { type ReadableFile, readableFile } from './held/readable-file.ts'
import { type TransferFacts, transferFacts } from './held/transfer-facts.ts'
import { openTransferFolder, type TransferFolder } from './held/transfer-folder.ts'
import { pathBytes } from './name-bytes.ts'
import { onFile } from './on-file.ts'
import { openToRead } from './open-to-read.ts'

/** What a file transfer needs of the file system. Every failure is an `AgentError` that names the path. */
export interface TransferFiles {
  /** What `path` names, or undefined when it names nothing. */
  look(path: string, options: { followLinks: boolean }): Promise<TransferFacts | undefined>
  /** Never waits, also not for the writer of a FIFO. Root follows no link of another user to what this user may not read. */
  openForReading(path: string, options: { followLinks: boolean }): Promise<ReadableFile>
  /** A folder that stays the same one whatever happens to its path; links in `path` are followed. The caller closes it. */
  openFolder(path: string): Promise<TransferFolder>
  /** The mode that a new file gets by default: 0666 without the bits of the umask. */
  newFileMode(): Promise<number>
  readonly processId: number
  isProcessAlive(processId: number): boolean
}

const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants

/** {@link TransferFiles} on the real file system. */
export const transferFiles: TransferFiles = {
  async look(path, { followLinks }) {
    try {
      return transferFacts(await (followLinks ? stat : lstat)(pathBytes(path), { bigint: true }))
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined
      throw fileFailure('look at', path, error)
    }
  },

  async openForReading(path, { followLinks }) {
    const flags = O_RDONLY | O_NONBLOCK | O_NOFOLLOW
    return readableFile(
      path,
      await onFile('open', path, () => (followLinks ? openToRead(path) : open(pathBytes(path), flags))),
    )
  },

  openFolder: openTransferFolder,

  async newFileMode() {
    // Asking the kernel by umask(2) sets it to 0 for a moment, in which another thread may create a file open to all.
    const status = await readFile('/proc/self/status', 'latin1').catch(() => '')
    const told = /^Umask:\s*([0-7]+)$/m.exec(status)?.[1]
    // Linux before 4.7 does not tell.
    return 0o666 & ~(told === undefined ? process.umask() : Number.parseInt(told, 8))
  },

  processId: process.pid,

  isProcessAlive(processId) {
    try {
      process.kill(processId, 0)
      return true
    } catch (error) {
      return errnoOf(error) !== 'ESRCH'
    }
  },
}
