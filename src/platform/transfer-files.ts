import { randomBytes } from 'node:crypto'
import { type BigIntStats, constants } from 'node:fs'
import { lstat, open, opendir, readFile, rename, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { errnoOf } from '../base/errors.ts'
import { fileFailure } from './file-failure.ts'
import { onFile } from './on-file.ts'
import { removeFile, syncFolder } from './write-file.ts'
import { syncWhole } from './write-whole.ts'

/** What kind of thing a path names. */
export type TransferKind = 'file' | 'folder' | 'link' | 'other'

export interface TransferFacts {
  readonly kind: TransferKind
  readonly bytes: number
  /** Permission bits, without the type and without set-uid, set-gid and sticky. */
  readonly mode: number
  /** Changes whenever the content is written; compare for equality only. */
  readonly modifiedNs: bigint
  /** The same as a wall-clock time. */
  readonly modifiedMs: number
}

/** An open file to read from. */
export interface ReadableFile {
  facts(): Promise<TransferFacts>
  /** Fills `into` from `position` on as far as it goes; resolves with the count, 0 at the end of the file. */
  read(into: Uint8Array, position: number): Promise<number>
  close(): Promise<void>
}

/** A temporary file that nobody else can read, guess or replace. */
export interface PrivateFile {
  readonly path: string
  /** Writes all of `bytes` at `position`. */
  write(bytes: Uint8Array, position: number): Promise<void>
  /** Drops everything from `bytes` on. */
  truncate(bytes: number): Promise<void>
  /** Forces what was written so far to the disk; writes may go on meanwhile. */
  sync(): Promise<void>
  /** Sets the permission bits and forces the content, which has `bytes` bytes, to the disk. */
  seal(mode: number, bytes: number): Promise<void>
  close(): Promise<void>
}

/** Room on a file system; `totalBytes` or `totalFiles` of 0 means that it does not say. */
export interface FreeSpace {
  readonly bytes: number
  readonly totalBytes: number
  readonly files: number
  readonly totalFiles: number
}

/** What a file transfer needs of the file system. Every failure is an `AgentError` that names the path. */
export interface TransferFiles {
  /** What `path` names, or undefined when it names nothing. */
  look(path: string, options: { followLinks: boolean }): Promise<TransferFacts | undefined>
  /** Never waits, also not for the writer of a FIFO. */
  openForReading(path: string, options: { followLinks: boolean }): Promise<ReadableFile>
  /** The names in a folder, in the order of the file system. */
  list(folder: string): AsyncIterable<string>
  /** Creates `folder/PREFIX<16 random hex digits>SUFFIX`, mode 0600. */
  createPrivate(folder: string, prefix: string, suffix: string): Promise<PrivateFile>
  /** Puts `from` in the place of `to` in one step. */
  rename(from: string, to: string): Promise<void>
  /** Makes a rename in `folder` survive a power cut. */
  syncFolder(folder: string): Promise<void>
  /** Removes a file; one that is gone already is fine. */
  remove(path: string): Promise<void>
  freeSpace(folder: string): Promise<FreeSpace>
  /** The mode that a new file gets by default: 0666 without the bits of the umask. */
  newFileMode(): Promise<number>
  readonly processId: number
  isProcessAlive(processId: number): boolean
}

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants

/** {@link TransferFiles} on the real file system. */
export const transferFiles: TransferFiles = {
  async look(path, { followLinks }) {
    try {
      return factsOf(await (followLinks ? stat : lstat)(path, { bigint: true }))
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined
      throw fileFailure('look at', path, error)
    }
  },

  async openForReading(path, { followLinks }) {
    const handle = await onFile('open', path, () => open(path, O_RDONLY | O_NONBLOCK | (followLinks ? 0 : O_NOFOLLOW)))
    return {
      facts: () => onFile('look at', path, async () => factsOf(await handle.stat({ bigint: true }))),
      read: (into, position) =>
        onFile('read', path, async () => (await handle.read(into, 0, into.length, position)).bytesRead),
      close: () => handle.close(),
    }
  },

  async *list(folder) {
    const entries = await onFile('list', folder, () => opendir(folder))
    try {
      for await (const entry of entries) yield entry.name
    } catch (error) {
      throw fileFailure('list', folder, error)
    }
  },

  async createPrivate(folder, prefix, suffix) {
    const path = join(folder, `${prefix}${randomBytes(8).toString('hex')}${suffix}`)
    const handle = await onFile('create a file in', folder, () =>
      open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600),
    )
    return {
      path,
      write: (bytes, position) =>
        onFile('write', path, async () => {
          // One call may write less than asked for: a nearly full disk, a signal, more than 2 GB.
          for (let done = 0; done < bytes.length; ) {
            const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done)
            done += bytesWritten
          }
        }),
      truncate: bytes => onFile('truncate', path, () => handle.truncate(bytes)),
      sync: () => onFile('write', path, () => handle.datasync()),
      seal: (mode, bytes) =>
        onFile('write', path, async () => {
          await handle.chmod(mode)
          await syncWhole(handle, bytes)
        }),
      close: () => handle.close(),
    }
  },

  rename: (from, to) => onFile('replace', to, () => rename(from, to)),

  syncFolder,

  remove: removeFile,

  freeSpace: folder =>
    onFile('measure the space of', folder, async () => {
      const { bavail, bsize, blocks, ffree, files } = await statfs(folder, { bigint: true })
      return {
        bytes: Number(bavail * bsize),
        totalBytes: Number(blocks * bsize),
        files: Number(ffree),
        totalFiles: Number(files),
      }
    }),

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

function factsOf(stats: BigIntStats): TransferFacts {
  return {
    kind: stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : stats.isSymbolicLink() ? 'link' : 'other',
    bytes: Number(stats.size),
    mode: Number(stats.mode) & 0o777,
    modifiedNs: stats.mtimeNs,
    modifiedMs: Number(stats.mtimeMs),
  }
}
