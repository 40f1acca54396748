// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../../base/clock.ts'
import { AgentError, messageOf } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import { throwIfAborted } from '../../base/wait.ts'
import { type ForeignFolder, openForeignFolder } from '../../platform/owners/foreign-folder.ts'
import { carryOutPower, type PowerOptions, planPower } from '../../platform/process/power.ts'
import { userId } from '../../platform/process/process-facts.ts'
import { takeProcessLock } from '../../platform/process/process-lock.ts'
import { userAccount } from '../../platform/process/user-account.ts'
import { readBootId } from '../../platform/system/system-facts.ts'
import { Status } from '../../protocol/status.ts'
import { failureOutcome } from '../actions/index.ts'
import { updatePlaces } from '../ota/index.ts'
import { type RootConfig, rootConfigPath, trustedRootConfig } from './root-config.ts'
import { installAsRoot } from './root-install.ts'
import { emptyPackages, prepareRootPlaces, type RootPlaces } from './root-places.ts'
import { maxRequestBytes, parseRootRequest, type RootRequest, requestFileName } from './root-request.ts'
import type { RootResult } from './root-results.ts'
import { takePackage } from './take-package.ts'

export interface RootStepParts {
  /** Only reboot and shutdown: an installation is left where it is. */
  readonly powerOnly: boolean
  /** How long to wait for the script of an installation that an earlier process began. */
  readonly patienceMs: number
  readonly clock: Clock
  readonly log: Log
  /** Fires when this process is to end. */
  readonly signal: AbortSignal
  /** Other values, for tests only. */
  readonly configPath?: string
  readonly powerOptions?: PowerOptions
}

/**
 * The short run as root between two runs of a manager that is not root: finishes an interrupted installation, then does the one
 * step that the manager has requested, as far as `/etc/device-cloud-root.cfg` allows it. Files that the user may write are
 * parsed, never run, and every step is done once at most.
 *
 * @throws AgentError `NOT_SUPPORTED` when this process is not root; `CONFIG_INVALID`, `POLICY_REFUSED`, `ALREADY_RUNNING`
 */
export async function rootStep(parts: RootStepParts): Promise<void> {
  if (userId() !== 0) throw new AgentError('NOT_SUPPORTED', 'root-step does what only root may do: run it as root.')
  const config = await trustedRootConfig(parts.configPath ?? rootConfigPath)
  const account = await userAccount(config.user)
  const places = await prepareRootPlaces(config.workDir, account.groupId)
  const lock = await takeProcessLock(places.lock)
  try {
    const work = new RootWork(parts, config, places, (await readBootId()) ?? '')
    if (!parts.powerOnly && !(await work.finishPending())) return
    const state = await openForeignFolder(config.stateDir, account.userId)
    try {
      await work.doRequested(state)
    } finally {
      await state.close()
    }
  } finally {
    await lock.release()
  }
}

class RootWork {
  readonly #parts: RootStepParts
  readonly #config: RootConfig
  readonly #places: RootPlaces
  readonly #bootId: string

  constructor(parts: RootStepParts, config: RootConfig, places: RootPlaces, bootId: string) {
    this.#parts = parts
    this.#config = config
    this.#places = places
    this.#bootId = bootId
  }

  /** Finishes the installation that an earlier process began; false when it is left once more. */
  async finishPending(): Promise<boolean> {
    const { results } = this.#places
    const pending = await results.pending()
    // A finished installation without a result, or a record that cannot be read.
    if (pending === undefined || (await results.of(pending.id)) !== undefined) {
      await this.#tidy()
      return true
    }
    const { clock, log, signal, patienceMs, powerOptions = {} } = this.#parts
    const bootId = this.#bootId === '' ? undefined : this.#bootId
    const rules = { config: this.#config, configPath: this.#parts.configPath ?? rootConfigPath }
    const engine = { places: this.#places, ...rules, patienceMs, powerOptions, bootId, clock, log, signal }
    const outcome = await installAsRoot(pending, engine)
    if (outcome === undefined) return false
    await results.writeLog(pending.id, updatePlaces(this.#places.installDir).log)
    const { status, message = '' } = outcome
    await this.#writeResult(pending.id, 'install', status === Status.Success ? 'done' : 'failed', status, message)
    await this.#tidy()
    return true
  }

  /** Does the one step that is requested. A malformed request is removed. */
  async doRequested(state: ForeignFolder): Promise<void> {
    const { log } = this.#parts
    let request: RootRequest | undefined
    try {
      request = await readRequest(state)
    } catch (error) {
      if (!(error instanceof AgentError)) throw error
      log.error('malformed request for a step of root, removed', { error })
      return await state.remove(requestFileName)
    }
    if (request === undefined) return
    const { id, step } = request
    if (step === 'install' && this.#parts.powerOnly) return
    if ((await this.#places.results.of(id)) !== undefined) {
      log.warn('a step of root is asked for that was done before, and is not done again', { step, id })
      return await state.remove(requestFileName)
    }
    const refusal = this.#refusalOf(request)
    if (refusal !== undefined) {
      await this.#fail(request, Status.NoPermission, refusal)
      return await state.remove(requestFileName)
    }
    if (request.step === 'install') await this.#install(request, state)
    else await this.#goDown(request, state)
  }

  #refusalOf(request: RootRequest): string | undefined {
    const { steps, extraParams } = this.#config
    const path = this.#parts.configPath ?? rootConfigPath
    if (!steps.includes(request.step))
      return `root does no ${request.step} for the manager: "steps" in ${path} does not name it`
    if (request.step === 'install' && request.extraParams !== '' && !extraParams)
      return `extra_params do not reach scripts that root runs, unless "extra_params" in ${path} is true`
    return undefined
  }

  async #goDown({ id, step, bootId }: Extract<RootRequest, { bootId: string }>, state: ForeignFolder): Promise<void> {
    const { clock, log, powerOptions } = this.#parts
    // Removed before the step: after a reboot the request must not be found again.
    await state.remove(requestFileName)
    if (bootId !== this.#bootId)
      return log.warn('a request from before the machine went down holds no more', { step, id })
    try {
      const plan = await planPower(step, powerOptions)
      await this.#writeResult(id, step, 'ordered', Status.Success, '')
      log.warn(`${step} for the manager`, { id })
      await carryOutPower(plan, clock)
    } catch (error) {
      await this.#fail({ id, step }, Status.Failure, messageOf(error))
    }
  }

  async #install(request: Extract<RootRequest, { step: 'install' }>, state: ForeignFolder): Promise<void> {
    const { signal } = this.#parts
    const { id, package: name, extraParams } = request
    try {
      await takePackage(request, state, this.#places, signal)
    } catch (error) {
      // The request stays for the next run.
      throwIfAborted(signal)
      const { status, message = '' } = failureOutcome(error)
      await this.#fail(request, status, message)
      await emptyPackages(this.#places)
      return await state.remove(requestFileName)
    }
    await this.#places.results.begin({ id, package: name, extraParams })
    await state.remove(requestFileName)
    await this.finishPending()
  }

  async #fail({ id, step }: Pick<RootRequest, 'id' | 'step'>, status: Status, text: string): Promise<void> {
    this.#parts.log.error(`${step} for the manager failed`, { id, error: text })
    await this.#writeResult(id, step, 'failed', status, text)
  }

  async #writeResult(
    id: string,
    step: RootRequest['step'],
    state: RootResult['state'],
    status: Status,
    text: string,
  ): Promise<void> {
    const monotonicMs = this.#parts.clock.monotonicMs()
    await this.#places.results.write({ id, step, state, status, text, bootId: this.#bootId, monotonicMs })
  }

  async #tidy(): Promise<void> {
    await this.#places.results.end()
    await emptyPackages(this.#places)
  }
}

async function readRequest(state: ForeignFolder): Promise<RootRequest | undefined> {
  const file = await state.file(requestFileName, maxRequestBytes)
  if (file === undefined) return undefined
  try {
    const parts: Uint8Array[] = []
    for await (const chunk of file.chunks()) parts.push(chunk)
    return parseRootRequest(Buffer.concat(parts).toString('utf8'))
  } finally {
    await file.close()
  }
}
