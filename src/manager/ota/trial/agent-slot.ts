// SPDX-License-Identifier: Apache-2.0
import { dirname } from 'node:path'
import type { Clock } from '../../../base/clock.ts'

import { AgentError, withoutStop } from '../../../base/errors.ts'

import { fileFacts } from '../../../platform/files/file-facts.ts'
import { checkWritable } from '../../../platform/files/folders.ts'
import { createNewFile } from '../../../platform/files/new-file.ts'
import { spaceAt } from '../../../platform/files/space.ts'
import { syncFolder } from '../../../platform/files/sync-folder.ts'
import { removeFile, renameFile } from '../../../platform/files/write-file.ts'
import { fileChunks, fileSum } from '../../../platform/held/file-chunks.ts'
import { candidateSuffix } from '../../../platform/process/own-executable.ts'
import { runProgram } from '../../../platform/process/program.ts'
import { Status } from '../../../protocol/status.ts'
import { UpdateError } from '../package/index.ts'
import { agreedVersion, trialVersions, versionsSaid, versionsText, whyNotStarted } from '../state/index.ts'

const reserveBytes = 1024 * 1024
const startTimeoutMs = 60_000

/**
 * The place of the agent's own executable. A new one lies beside it and runs from there until its trial run has succeeded; only
 * then it takes the place of the old one, in one step. Until that step, every start is one of the old agent.
 */
export class AgentSlot {
  /** This process is the trial run of the new executable. */
  readonly onTrial: boolean
  readonly #executable: string
  readonly #clock: Clock

  /** @param parts.executable what this process runs: the one in place, or with `onTrial` the one beside it */
  constructor(parts: { executable: string; onTrial?: boolean; clock: Clock }) {
    const { executable, onTrial = false, clock } = parts
    this.onTrial = onTrial
    this.#executable = this.onTrial ? executable.slice(0, -candidateSuffix.length) : executable
    this.#clock = clock
  }

  /** Where the new executable waits. */
  get candidate(): string {
    return `${this.#executable}${candidateSuffix}`
  }

  /**
   * Checks, before anything is changed, that there is room for a second executable and that no other user can put one there.
   *
   * @param bytes size of the new executable
   * @param alsoBytes bytes that are about to be written to `alsoFolder`
   * @throws UpdateError `POLICY_REFUSED`, `DISK_FULL`; `FILE_ACCESS`
   */
  async checkRoom(bytes: number, alsoBytes: number, alsoFolder: string): Promise<void> {
    const folder = dirname(this.#executable)
    const why = await whyNotStarted(this.candidate)
    if (why !== undefined)
      throw new UpdateError(
        'POLICY_REFUSED',
        Status.NoPermission,
        `The new agent is not put beside the old one: ${why}`,
      )
    await checkWritable(folder)
    const [own, other] = [await fileFacts(folder), await fileFacts(alsoFolder)]
    const neededBytes = bytes + reserveBytes + (own?.device === other?.device ? alsoBytes : 0)
    // The leftover of an interrupted update is removed before the new one is written.
    const leftBytes = (await fileFacts(this.candidate))?.bytes ?? 0
    const { freeBytes } = await spaceAt(folder)
    if (neededBytes <= freeBytes + leftBytes) return
    const message =
      `The new agent must lie beside the old one until its trial run is over: that needs ${neededBytes} bytes in ${folder}, ` +
      `and ${freeBytes} are free; nothing was changed.`
    throw new UpdateError('DISK_FULL', Status.Full, message, { details: { neededBytes, freeBytes } })
  }

  /**
   * Puts the new executable beside the old one before any script of its package runs, and asks it for its versions of the
   * protocol. One that does not start yet may need files that a script installs: {@link place} asks again.
   *
   * @throws UpdateError `NOT_SUPPORTED` when the two do not understand each other; AgentError of the file system
   */
  async preview(source: string): Promise<void> {
    await this.#copy(source)
    const said = await this.#ask().catch(() => undefined)
    if (said?.exitCode === 0) await this.#agree(said.stdout)
  }

  /**
   * Puts the new executable beside the old one, where it may lie already, and checks that it starts on this machine.
   *
   * @returns the version of the protocol that both speak
   * @throws UpdateError `EXECUTION_FAILED`; `NOT_SUPPORTED` when they do not understand each other; AgentError of the file system
   */
  async place(source: string): Promise<number> {
    if (!(await haveSameContent(source, this.candidate))) await this.#copy(source)
    try {
      const { exitCode, stdout, stderr } = await this.#ask()
      if (exitCode === 0) return await this.#agree(stdout)
      throw this.#unfit(`exit code ${exitCode ?? 'none'}: ${`${stderr}${stdout}`.trim().slice(-500)}`)
    } catch (error) {
      await removeFile(this.candidate)
      // A file for another processor cannot even be started.
      throw error instanceof UpdateError || !(error instanceof AgentError)
        ? error
        : this.#unfit(withoutStop(error.message))
    }
  }

  /** Whether the executable in place is this file: the new one has taken the place of the old one, in whatever way. */
  async isInPlace(source: string): Promise<boolean> {
    return !(await this.hasCandidate()) && (await haveSameContent(source, this.#executable))
  }

  /** Starts it only for its versions, which touches neither the configuration nor the cloud. */
  #ask() {
    return this.run(['--version', '--json'], startTimeoutMs)
  }

  async #agree(stdout: string): Promise<number> {
    const said = versionsSaid(stdout)
    const version = agreedVersion(said)
    if (version !== undefined) return version
    await removeFile(this.candidate)
    const remedy = 'Update to a release between the two first, or put the new executable in place by hand.'
    const message =
      `The new agent and this one do not understand each other: it speaks ${versionsText(said)} of the trial, ` +
      `and this one ${versionsText(trialVersions)}; the new one was not started, and this one continues. ${remedy}`
    throw new UpdateError('NOT_SUPPORTED', Status.NotSupported, message, {
      remedy,
      details: { said, own: trialVersions },
    })
  }

  async #copy(source: string): Promise<void> {
    await removeFile(this.candidate)
    const file = await createNewFile(this.candidate, 0o755)
    try {
      for await (const chunk of fileChunks(source)) await file.write(chunk)
      await file.sync()
    } finally {
      await file.close()
    }
    await syncFolder(dirname(this.candidate))
  }

  run(args: readonly string[], timeoutMs: number) {
    return runProgram({ file: this.candidate, args, timeoutMs, maxOutputBytes: 4096, clock: this.#clock })
  }

  /** The new executable takes the place of the old one, in one step. */
  async commit(): Promise<void> {
    await renameFile(this.candidate, this.#executable)
  }

  /** Whether a new executable waits. */
  async hasCandidate(): Promise<boolean> {
    return (await fileFacts(this.candidate, { followLinks: false })) !== undefined
  }

  async discard(): Promise<void> {
    await removeFile(this.candidate)
  }

  #unfit(why: string): UpdateError {
    return new UpdateError(
      'EXECUTION_FAILED',
      Status.ExecutionError,
      `The new agent does not start on this device: ${why}.`,
    )
  }
}

/** Whether two regular files are the same, byte by byte. */
async function haveSameContent(one: string, other: string): Promise<boolean> {
  const [first, second] = [await fileFacts(one), await fileFacts(other, { followLinks: false })]
  if (first?.kind !== 'file' || second?.kind !== 'file' || first.bytes !== second.bytes) return false
  return (await fileSum(one)) === (await fileSum(other))
}
