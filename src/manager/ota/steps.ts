// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { waitFor, withDeadline } from '../../base/wait.ts'
import { fileFacts } from '../../platform/files/file-facts.ts'
import { removeFile } from '../../platform/files/write-file.ts'
import { removeFolder } from '../../platform/held/remove-tree.ts'
import type { DeviceFacts } from '../../platform/system/device-facts.ts'
import { Status } from '../../protocol/status.ts'
import { acknowledgeUpdate } from './acknowledge.ts'
import type { AdmissionParts } from './admission.ts'
import { letRoot, type RootInstaller } from './by-root.ts'
import { fetchPackage, packagePath } from './fetch-package.ts'
import { InstalledReleases } from './installed-releases.ts'
import { openPackage } from './open-package.ts'
import { PackageRecord, type PackageRules, UpdateError, type UpdateManifest } from './package/index.ts'
import { runStepScript } from './run-step-script.ts'
import { SignedMemory } from './signed-memory.ts'
import type { StepResult, UpdatePlaces, UpdateState } from './state/index.ts'
import type { AgentSlot } from './trial/index.ts'
import type { UpdateCloud } from './update-cloud.ts'

/** What the steps of an update need. */
export interface StepParts {
  readonly places: UpdatePlaces
  /** Absent for an update without a cloud. */
  readonly cloud: UpdateCloud | undefined
  /** The owner's rules for packages. */
  readonly rules: () => PackageRules
  /** The facts of this device that a package may require. */
  readonly facts: () => Promise<DeviceFacts>
  /** The id of this device; undefined while it has none. */
  readonly deviceId: () => Promise<string | undefined>
  /** Where a new executable of the agent goes; undefined where it cannot be replaced. */
  readonly slot: AgentSlot | undefined
  /** Installs packages as root; undefined for a manager that is root itself. */
  readonly root?: RootInstaller | undefined
  /**
   * Ends this process in good order, for another executable to continue: the new one in its trial run, or the old one after it.
   */
  readonly handOver: () => void
  /** Orders a reboot. Resolving means only that the system has taken the order. */
  readonly reboot: () => Promise<void>
  readonly clock: Clock
  readonly log: Log
}

/** How long the machine may take to go down. */
const rebootMs = 10 * 60_000
/** The same when the agent was started again meanwhile, which is unlikely on a machine that goes down. */
const rebootAfterStartMs = 2 * 60_000
const uploadTimeoutMs = 60_000

const done: StepResult = { kind: 'done' }

/** What the run of the update offers to a step. */
export interface StepHelp {
  readonly signal: AbortSignal
  /** Puts the mark of a script on flash before it begins. */
  readonly begun: (mark: string) => Promise<void>
  /** Puts on flash that the reboot is ordered, before it is. */
  readonly ordered: () => Promise<void>
  /** Puts on flash the version of the protocol that both executables speak. */
  readonly agreed: (version: number) => Promise<void>
  /** The manifest of what is unpacked: this process has unpacked it or verified it. Throws `UnverifiedPackage`. */
  readonly verified: () => Promise<UpdateManifest>
}

/** The command of a step; empty for none. */
type CommandOf = (manifest: UpdateManifest) => string | undefined

/** Carries out a step. Throws the error of a failure, or the reason of `signal` when the agent ends meanwhile. */
export async function carryOut(state: UpdateState, parts: StepParts, help: StepHelp): Promise<StepResult> {
  const { places, cloud, clock, log } = parts
  const { signal, begun, verified } = help
  const { manifest, request } = state
  const script = async (commandOf: CommandOf): Promise<StepResult> => {
    if (manifest === undefined) return done
    let command = commandOf(manifest) ?? ''
    // A script that has begun already is only waited for.
    if (command !== '' && state.script === undefined) command = commandOf(await verified()) ?? ''
    return await runStepScript({ state, command, places, clock, signal, begun })
  }
  switch (state.step) {
    case 'download':
      await fetchPackage({ request, places, cloud, clock, log, signal })
      return done
    case 'unpack':
      return await unpack(state, parts, signal)
    case 'root':
      return await letRoot(state, packagePath(request, places), { root: parts.root, clock }, signal)
    case 'pre_install':
      return await script(({ preInstall }) => preInstall)
    case 'install':
      return await script(({ install }) => install)
    case 'post_install':
      return await script(({ postInstall }) => postInstall)
    case 'error_action':
      return await script(({ errorAction }) => errorAction)
    case 'health':
      return await checkHealth(state, parts, signal, script)
    case 'agent':
      return await placeAgent(parts, help)
    case 'restart':
    case 'reboot':
      return await goDown(state, parts, help)
    case 'report':
      await acknowledgeUpdate({ state, cloud, clock, log, signal })
      return done
    case 'finish':
      await finish(state, parts, signal)
      return done
    // The process that watches the trial run has done it.
    case 'adopt':
    case 'done':
      return done
  }
}

async function unpack({ request }: UpdateState, parts: StepParts, signal: AbortSignal): Promise<StepResult> {
  const { places, cloud, log } = parts
  const onWaitForClock = async () => {
    const text = 'the package expires, and the clock of the device is not set yet: waiting for the time'
    log.warn(text, { package: request.package })
    if (request.from === 'cloud') await cloud?.progress(request.id, text)
  }
  const record = new PackageRecord(places.record)
  // The output of the last update's scripts stays until here.
  await removeFolder(places.packageFolder)
  const opening = { ...admissionParts(parts), ...parts, record, onWaitForClock, signal }
  const manifest = await openPackage(packagePath(request, places), places.packageFolder, opening)
  // Before any script: an agent that cannot have its trial run must not have changed anything.
  if (manifest.agent !== undefined) await parts.slot?.preview(join(places.packageFolder, manifest.agent))
  return { kind: 'done', manifest }
}

/** The rules and records that decide which packages may come. */
export function admissionParts({ places, rules, deviceId }: StepParts): AdmissionParts {
  const [releases, signed] = [new InstalledReleases(places.releases), new SignedMemory(places.signed)]
  return { owner: rules(), releases, signed, deviceId }
}

async function checkHealth(
  { manifest }: UpdateState,
  { cloud, clock, log }: StepParts,
  signal: AbortSignal,
  script: (commandOf: CommandOf) => Promise<StepResult>,
): Promise<StepResult> {
  const { timeoutS = 0 } = manifest?.healthCheck ?? {}
  if (cloud === undefined) log.warn('no cloud here: whether it can be reached is not checked')
  else {
    const unreached = `The agent did not reach the cloud within ${timeoutS} s after the update.`
    const onTimeout = () => new UpdateError('TIMEOUT', Status.TimedOut, unreached)
    await withDeadline(clock, timeoutS * 1000, onTimeout, own => cloud.reached(own), signal)
  }
  return await script(({ healthCheck }) => healthCheck?.command)
}

/** Places the new executable and waits for the end of this process: the next one finds the result of the preflight. */
async function placeAgent(parts: StepParts, { signal, verified, agreed }: StepHelp): Promise<StepResult> {
  const { slot, places, handOver } = parts
  if (slot === undefined)
    throw new UpdateError('NOT_SUPPORTED', Status.NotSupported, 'The agent cannot be replaced here.')
  const { agent = '' } = await verified()
  await agreed(await slot.place(join(places.packageFolder, agent)))
  handOver()
  return await waitFor<StepResult>(signal, () => undefined)
}

/**
 * Orders the reboot and waits for it. The reboot is ordered once: in a container, which starts everything anew and keeps its boot
 * id, the order would be repeated after each reboot.
 */
async function goDown(
  { script }: UpdateState,
  { reboot, clock }: StepParts,
  { signal, ordered }: StepHelp,
): Promise<StepResult> {
  const isOrdered = script !== undefined
  if (!isOrdered) {
    await ordered()
    await reboot()
  }
  return await waitFor<StepResult>(signal, resolve => {
    const leftMs = isOrdered ? rebootAfterStartMs : rebootMs
    const text = isOrdered ? sameBoot : `the machine still runs ${rebootMs / 60_000} minutes after the order to reboot`
    const timer = clock.timer(leftMs, () => resolve({ kind: 'failed', status: Status.Failure, text }))
    return () => timer.cancel()
  })
}

const sameBoot =
  'the reboot was ordered, and the agent was started again in the same boot: the machine does not reboot, or it is a container, which keeps its boot id'

async function finish(state: UpdateState, parts: StepParts, signal: AbortSignal): Promise<void> {
  const { places, cloud, log } = parts
  const { request } = state
  await new PackageRecord(places.record).remove()
  if (request.from === 'cloud') await removeFile(packagePath(request, places))
  const path = request.byRoot === true ? parts.root?.logPath(request.id) : places.log
  if (cloud === undefined || path === undefined) return
  if ((await fileFacts(path, { followLinks: false }))?.kind !== 'file') return
  try {
    await cloud.upload(path, { name: request.logName, timeoutMs: uploadTimeoutMs, signal })
  } catch (error) {
    log.warn('the log of the update was not sent', { file: path, error })
  }
}
