// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'
import { AgentError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import { ensureFolder, listFolder } from '../platform/files/folders.ts'
import { readBoundedText } from '../platform/files/read-file.ts'
import { removeFile, replaceFile } from '../platform/files/write-file.ts'
import { removeFolder } from '../platform/held/remove-tree.ts'
import { lockedBy, type ProcessLock, takeProcessLock } from '../platform/process/process-lock.ts'
import { isAnswered } from '../platform/process/socket-answer.ts'
import { isSocketLeftover } from '../platform/process/socket-place.ts'
import type { NoteFile } from './memory/index.ts'
import type { AnswerFile } from './pending-answers.ts'
import { lockFileName, socketFileName } from './runtime-names.ts'
import { removeStaleArchives } from './transfers/index.ts'

/** The group may list: applications of the device put their files into the upload folder. */
const folderMode = 0o750
const inUseRemedy = 'Stop the other manager, or give this one a runtime_dir of its own.'
const maxAnswersBytes = 1024 * 1024

/** `runtime_dir`: what the manager keeps there, under the names that the Python agent used [TR50 7.2]. */
export class RuntimeFolder {
  readonly path: string
  readonly #log: Log
  #lock: ProcessLock | undefined

  constructor(parts: { path: string; log: Log }) {
    this.path = parts.path
    this.#log = parts.log
  }

  get uploadFolder(): string {
    return join(this.path, 'upload')
  }

  get downloadFolder(): string {
    return join(this.path, 'download')
  }

  get socketPath(): string {
    return join(this.path, socketFileName)
  }

  /** `message_ids`. */
  get answerFile(): AnswerFile {
    return this.#fileOf('message_ids')
  }

  /** `memory_restart`. */
  get memoryNoteFile(): NoteFile {
    return this.#fileOf('memory_restart')
  }

  /**
   * Makes the folders and takes the lock. A folder that cannot be written to (a read-only file system) is logged, and the
   * manager runs without it: the link to the cloud does not need it.
   *
   * @returns whether the folder can be used
   * @throws AgentError `ALREADY_RUNNING`
   */
  async open(): Promise<boolean> {
    try {
      for (const path of [this.path, this.uploadFolder, this.downloadFolder]) await ensureFolder(path, folderMode)
      await this.#throwIfAnswered()
      this.#lock = await takeProcessLock(this.#lockPath)
      await this.#sweep()
      return true
    } catch (error) {
      if (error instanceof AgentError && error.code === 'ALREADY_RUNNING') {
        const { pid, elsewhere } = error.details
        const message = `Another device manager (process ${String(pid)}) uses ${this.path}.`
        const remedy = elsewhere === true ? error.remedy : inUseRemedy
        throw new AgentError('ALREADY_RUNNING', message, { cause: error, details: error.details, remedy })
      }
      const remedy = 'Check owner, mode and mount options of runtime_dir.'
      this.#log.error('runtime folder cannot be used: no local socket, no file kept', {
        path: this.path,
        error,
        remedy,
      })
      return false
    }
  }

  async close(): Promise<void> {
    await this.#lock?.release()
    this.#lock = undefined
  }

  get #lockPath(): string {
    return join(this.path, lockFileName)
  }

  /** A manager that answers here is alive, also when its lock looks stale: its pid may be one of another container. */
  async #throwIfAnswered(): Promise<void> {
    if (!(await isAnswered(this.socketPath))) return
    const pid = await lockedBy(this.#lockPath)
    const message = `A device manager answers on ${this.socketPath}.`
    throw new AgentError('ALREADY_RUNNING', message, { details: { pid: pid ?? 'unknown', path: this.socketPath } })
  }

  #fileOf(name: string) {
    const path = join(this.path, name)
    return {
      read: () => readIfThere(path),
      write: (text: string) => replaceFile(path, text),
      remove: () => removeFile(path),
    }
  }

  /** Removes what a killed process left. This process holds the lock: no other one uses the folder now. */
  async #sweep(): Promise<void> {
    await removeStaleArchives(this.path)
    for await (const { path, facts } of listFolder(this.path, { maxEntries: 100_000, maxDepth: 1 }))
      if (facts.kind === 'folder' && isSocketLeftover(path)) await removeFolder(join(this.path, path))
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readBoundedText(path, maxAnswersBytes)
  } catch (error) {
    if (error instanceof AgentError && error.code === 'FILE_NOT_FOUND') return undefined
    throw error
  }
}
