// SPDX-License-Identifier: Apache-2.0
import { isAbsolute, join, resolve } from 'node:path'
import { AgentError } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json.ts'
import { fileFacts } from '../../platform/files/file-facts.ts'
import { weakSpotsOn } from '../../platform/owners/weak-spots.ts'
import { type RootConfig, type RootStep, readRootConfig, rootConfigPath, rootSteps } from '../root/index.ts'
import type { OwnersRules } from './owners-rules.ts'
import { type ServicePlan, workDirOf } from './service-plan.ts'

/** The steps that root will do for a manager that is not root. */
export interface RootPart {
  readonly places: Pick<ServicePlan, 'asksRoot' | 'requestDir' | 'workDir'>
  /** The content of the file for root; absent when root does nothing. */
  readonly config?: RootConfig
  readonly notes: readonly string[]
}

/**
 * Finds out what root may do for the service of a named user. An existing file for root decides.
 *
 * @param found.rules the owner's keys and names, which become those of root
 * @param found.manager content of `iot.cfg`
 * @throws AgentError `CONFIG_INVALID` (the file that is there), `POLICY_REFUSED` (it is there, and root would run an
 *   executable that others can change)
 */
export async function planRootPart(
  root: string,
  plan: Pick<ServicePlan, 'executable' | 'configDir' | 'stateDir' | 'user'>,
  found: {
    readonly rules: OwnersRules
    readonly manager: JsonObject | undefined
    /** Absent where the device has none yet, as in an image. */
    readonly deviceId: string | undefined
    readonly steps: readonly RootStep[] | undefined
    /** Why the init system cannot do root's part; undefined when it can. */
    readonly unable: string | undefined
  },
): Promise<RootPart> {
  const { user, stateDir } = plan
  const workDir = workDirOf(plan)
  if (user === 'root') return { places: { asksRoot: false, workDir }, notes: [] }
  if (found.unable !== undefined) {
    const notes = [`root does no reboot, shutdown or installation for ${user}: ${found.unable}`]
    return { places: { asksRoot: false, workDir }, notes }
  }
  const there = await readRootConfig(join(root, rootConfigPath))
  const weak = await weakExecutable(root, plan.executable)
  if (weak !== undefined) {
    if (there !== undefined)
      throw new AgentError('POLICY_REFUSED', `${rootConfigPath} lets root run ${weak}; nothing was written.`)
    const notes = [`root does no reboot, shutdown or installation for ${user}: it would run ${weak}, and install again`]
    return { places: { asksRoot: false, workDir }, notes }
  }
  const runtimeDir = found.manager?.runtime_dir
  const requestDir = typeof runtimeDir === 'string' && isAbsolute(runtimeDir) ? resolve(runtimeDir) : stateDir
  if (there !== undefined) {
    const places = { asksRoot: true, requestDir: there.stateDir, workDir: there.workDir }
    const differs = there.user !== user || there.stateDir !== requestDir
    const own = `${rootConfigPath} was there and stays`
    const notes = differs
      ? [`${own}, but it is for user ${there.user} and ${there.stateDir}: remove it, and install again`]
      : [own]
    return { places, config: there, notes }
  }
  const { deviceId } = found
  const { publicKeys, names, mistake } = found.rules
  const wanted = found.steps ?? rootSteps
  const steps = wanted.filter(step => step !== 'install' || publicKeys.length > 0)
  const notes = [whatRootDoes(user, steps)]
  if (steps.length < wanted.length && mistake !== undefined)
    notes.push(
      `root installs nothing, because of a mistake in the configuration: ${mistake} Mend it, remove ${rootConfigPath}, and install again`,
    )
  else if (steps.length < wanted.length)
    notes.push(
      `updates run as ${user}: root installs signed packages only, and ota.public_keys in iot-connect.cfg named no key; put "public_keys" and the step install into ${rootConfigPath} to change that`,
    )
  const rules = { publicKeys, names, ...(deviceId === undefined ? {} : { deviceId }) }
  const config = { user, stateDir: requestDir, workDir, steps, ...rules, extraParams: false }
  return { places: { asksRoot: true, requestDir, workDir }, config, notes }
}

function whatRootDoes(user: string, steps: readonly RootStep[]): string {
  if (steps.length === 0) return `root does nothing for ${user}: "steps" in ${rootConfigPath} is empty`
  return `root does for ${user} what ${rootConfigPath} allows: ${steps.join(', ')}`
}

/** Why root must not run it, with the remedy; undefined when only root can change it. In an image its builder may. */
async function weakExecutable(root: string, executable: string): Promise<string | undefined> {
  if (root !== '/' || (await fileFacts(executable)) === undefined) return undefined
  const [spot] = await weakSpotsOn(executable)
  return spot && `an executable that others can change: ${spot.path} ${spot.why}. Run: ${spot.remedy}`
}
