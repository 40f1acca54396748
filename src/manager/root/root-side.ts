// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import { AgentError, messageOf } from '../../base/errors.ts'
import { isJsonObject, parseJson } from '../../base/json.ts'
import type { Log } from '../../base/log.ts'
import { sleep } from '../../base/wait.ts'
import { readBoundedText } from '../../platform/files/read-file.ts'
import { removeFile, replaceFile } from '../../platform/files/write-file.ts'
import { fileSum } from '../../platform/held/file-chunks.ts'
import { type OwnIdentity, ownIdentity } from '../../platform/owners/own-identity.ts'
import { userNameOf } from '../../platform/owners/user-database.ts'
import { type PowerAction, type PowerOptions, planPower } from '../../platform/process/power.ts'
import { type Environment, userId } from '../../platform/process/process-facts.ts'
import { readBootId } from '../../platform/system/system-facts.ts'
import type { Status } from '../../protocol/status.ts'
import type { RootInstaller } from '../ota/index.ts'
import { assertOnlyRootChanges, type RootConfig, readRootConfig, rootConfigPath } from './root-config.ts'
import { type RootRequest, type RootStep, requestFileName, requestText } from './root-request.ts'
import { type RootResult, RootResults } from './root-results.ts'

/** Set by a service file whose supervisor does root's steps; the manager of a named user gets it. */
export const rootSideVariable = 'DEVICE_CLOUD_ROOT_SIDE'

/** The last request of the manager, to find its result later. */
const noteName = 'root-asked.json'
const maxNoteBytes = 4096
/** How long a machine may take to go down after the order. */
const goingDownMs = 120_000

export interface RootSideParts {
  readonly environment: Environment
  /** The manager's `runtime_dir`. */
  readonly runtimeDir: string
  /** Ends the manager, for root to do the step. */
  readonly end: () => void
  readonly log: Log
  /** Other values, for tests only. */
  readonly configPath?: string
  readonly powerOptions?: PowerOptions | undefined
  readonly rootIdentity?: OwnIdentity
  readonly userName?: string
}

/** Whether this process is a manager that is not root and whose supervisor does root's steps. */
export function hasRootSide(environment: Environment, id = userId()): boolean {
  return environment[rootSideVariable] === '1' && id !== 0
}

/** Root's part of a manager that is not root: asks for a step by a request file, and finds its result. */
export class RootSide implements RootInstaller {
  readonly #parts: RootSideParts
  #config: RootConfig | undefined
  /** Why no step can be requested. */
  #closed: string | undefined
  #isMistaken = false
  #results: RootResults | undefined

  private constructor(parts: RootSideParts) {
    this.#parts = parts
  }

  /** Undefined where there is no root side: for root itself, and without a service that does its part. */
  static async open(parts: RootSideParts): Promise<RootSide | undefined> {
    if (!hasRootSide(parts.environment, parts.powerOptions?.userId)) return undefined
    const side = new RootSide(parts)
    await side.look()
    const { mistake } = side
    if (mistake !== undefined) parts.log.error('root does nothing for the manager', { error: mistake })
    return side
  }

  /**
   * Reads root's configuration as root will, which reads it anew for each request: so a change of the owner counts from the next
   * call on, and a mistake is answered before anything is acknowledged. Never rejects.
   */
  async look(): Promise<void> {
    const { runtimeDir, rootIdentity, configPath = rootConfigPath } = this.#parts
    try {
      const config = await readRootConfig(configPath)
      const self = rootIdentity ?? { ...(await ownIdentity()), userId: 0, groupId: 0 }
      if (config !== undefined) await assertOnlyRootChanges(configPath, self)
      const user = this.#parts.userName ?? (await userNameOf(userId()))
      this.#take(config, whyClosed(config, { path: configPath, runtimeDir, user }), false)
    } catch (error) {
      this.#take(undefined, messageOf(error), true)
    }
  }

  #take(config: RootConfig | undefined, closed: string | undefined, isMistaken: boolean): void {
    this.#config = config
    this.#closed = closed
    this.#isMistaken = isMistaken
    // Results of root are reported also when it may do nothing from now on.
    if (config !== undefined) this.#results = new RootResults(config.workDir)
  }

  /** Why root would refuse a step; undefined when it would do it. */
  refusal(step: RootStep): string | undefined {
    const path = this.#parts.configPath ?? rootConfigPath
    if (this.#closed !== undefined)
      return `the agent does not run as root, and root does nothing for it: ${this.#closed}`
    if (this.#config?.steps.includes(step)) return undefined
    return `the agent does not run as root, and "steps" in ${path} does not name ${step}`
  }

  /** The mistake that closes all of root's part; undefined without one. */
  get mistake(): string | undefined {
    return this.#isMistaken ? this.#closed : undefined
  }

  /** Whether packages are installed by root. Where it does not, they are installed as the manager's own user. */
  get installs(): boolean {
    return this.refusal('install') === undefined
  }

  /** Why root would refuse an update; undefined when it would install it. */
  installRefusal(extraParams: string): string | undefined {
    if (extraParams === '' || this.#config?.extraParams) return undefined
    const path = this.#parts.configPath ?? rootConfigPath
    return `extra_params do not reach scripts that root runs, unless "extra_params" in ${path} is true`
  }

  /**
   * Checks that a reboot or shutdown can be requested.
   *
   * @throws AgentError `NOT_SUPPORTED`
   */
  async checkPower(action: PowerAction): Promise<void> {
    await this.look()
    const refusal = this.refusal(action)
    if (refusal !== undefined) throw new AgentError('NOT_SUPPORTED', refusal, { details: { reason: 'not-root' } })
    if ((await readBootId()) === undefined)
      throw new AgentError('NOT_SUPPORTED', 'This system has no boot id by which two boots differ (no /proc).')
    await planPower(action, { ...this.#parts.powerOptions, userId: 0 })
  }

  /** Requests a reboot or shutdown, and ends the manager. Throws `FILE_ACCESS`, `DISK_FULL`. */
  async power(action: PowerAction, id: string): Promise<void> {
    await this.checkPower(action)
    const bootId = (await readBootId()) ?? ''
    await replaceFile(this.#at(noteName), `${JSON.stringify({ id, step: action, boot_id: bootId })}\n`)
    await this.#leave({ id, step: action, bootId })
    this.end()
  }

  /** Leaves the request for an installation. */
  async leave(order: { id: string; package: string; path: string; extraParams: string }): Promise<void> {
    const { id, package: name, path, extraParams } = order
    await this.#leave({ id, step: 'install', package: name, sha256: await fileSum(path), extraParams })
  }

  end(): void {
    this.#parts.end()
  }

  async withdraw(): Promise<void> {
    await removeFile(this.#at(requestFileName))
  }

  async result(id: string): Promise<{ readonly status: Status; readonly text: string } | undefined> {
    return await this.#results?.of(id)
  }

  /** Whether root has begun this installation and not finished it. */
  async isBusy(id: string): Promise<boolean> {
    return (await this.#results?.pending())?.id === id
  }

  logPath(id: string): string | undefined {
    return this.#results?.logPath(id)
  }

  /**
   * Finds the result of the reboot or shutdown that an earlier process requested. To be called once, before the first call of the
   * cloud.
   *
   * @returns a text for the operator; undefined when it worked, or nothing was requested
   */
  async settle(): Promise<string | undefined> {
    const note = await noteIn(this.#parts.runtimeDir)
    if (note === undefined) return undefined
    const { id, step, bootId } = note
    const outcome = await this.#results?.of(id)
    // Root has not taken the request, and must not find it later, when the operator does not expect it any more.
    if (outcome === undefined) await this.withdraw()
    await removeFile(this.#at(noteName))
    if (bootId !== (await readBootId())) return undefined
    if (outcome === undefined)
      return `${step} failed: the supervisor of the service did not do it; run "device-cloud service install" again`
    return `${step} failed: ${outcome.state === 'failed' ? outcome.text : 'root has ordered it, and the machine still runs'}`
  }

  /** Publishes as an event what {@link settle} finds. Never rejects. */
  async reportUndone(publish: (text: string) => Promise<unknown>): Promise<void> {
    const { log } = this.#parts
    try {
      const undone = await this.settle()
      if (undone === undefined) return
      log.error('root did not do the requested step', { error: undone })
      await publish(undone)
    } catch (error) {
      log.error('result of a request to root not reported', { error })
    }
  }

  async #leave(request: RootRequest): Promise<void> {
    await replaceFile(this.#at(requestFileName), requestText(request))
    this.#parts.log.info('root is asked for a step', { step: request.step, id: request.id })
  }

  #at(name: string): string {
    return join(this.#parts.runtimeDir, name)
  }
}

/**
 * Waits while the machine goes down by a request of this manager's user: a manager that starts before it is down would report the
 * call as failed. Resolves at once when no such request is under way; rejects when `signal` fires.
 */
export async function untilDown(parts: {
  readonly environment: Environment
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Called with the longest time to wait. */
  readonly onWait: (ms: number) => void
  /** Other values, for tests only. */
  readonly configPath?: string
  readonly userId?: number
}): Promise<void> {
  const { environment, clock, signal, onWait, configPath } = parts
  if (!hasRootSide(environment, parts.userId)) return
  const result = await lastPower(configPath)
  if (result?.state !== 'ordered' || result.bootId !== (await readBootId())) return
  const leftMs = Math.min(goingDownMs, result.monotonicMs + goingDownMs - clock.monotonicMs())
  if (leftMs <= 0) return
  onWait(leftMs)
  await sleep(clock, leftMs, signal)
}

function whyClosed(
  config: RootConfig | undefined,
  { path, runtimeDir, user }: { readonly path: string; readonly runtimeDir: string; readonly user: string | undefined },
): string | undefined {
  if (config === undefined) return `${path} does not exist; run "device-cloud service install --user NAME" again`
  if (config.stateDir !== runtimeDir)
    return `runtime_dir is ${runtimeDir}, and "state_dir" in ${path} is ${config.stateDir}`
  // Without a name (a directory service has it) root itself checks the request.
  if (user === undefined || config.user === user) return undefined
  return `the agent runs as ${user}, and "user" in ${path} is ${config.user}`
}

async function lastPower(configPath?: string): Promise<RootResult | undefined> {
  try {
    const config = await readRootConfig(configPath)
    const note = config === undefined ? undefined : await noteIn(config.stateDir)
    return config === undefined || note === undefined ? undefined : await new RootResults(config.workDir).of(note.id)
  } catch {
    // The manager reports the mistake when it opens its root side.
    return undefined
  }
}

interface Note {
  readonly id: string
  readonly step: string
  readonly bootId: string
}

async function noteIn(folder: string): Promise<Note | undefined> {
  try {
    const value = parseJson(await readBoundedText(join(folder, noteName), maxNoteBytes))
    if (!isJsonObject(value)) return undefined
    const { id, step, boot_id: bootId } = value
    if (typeof id !== 'string' || typeof step !== 'string' || typeof bootId !== 'string') return undefined
    return { id, step, bootId }
  } catch (error) {
    if (error instanceof AgentError && error.code === 'FILE_NOT_FOUND') return undefined
    throw error
  }
}
