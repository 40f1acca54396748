// SPDX-License-Identifier: Apache-2.0
import { AgentError } from '../../base/errors.ts'
import { systemConfigFolder } from '../../config/config-folder.ts'

/** The content of a service file: where things are on the device, and as which user the manager runs. Paths are those of the device. */
export interface ServicePlan {
  /** The executable. */
  readonly executable: string
  readonly configDir: string
  readonly stateDir: string
  /** Name of the user; `root` by default. */
  readonly user: string
  readonly appId: string
  /** Whether the service says where samples wait; false when the connection file already does. */
  readonly placesQueue: boolean
  /** Whether systemd takes notices of the service. */
  readonly notifies: boolean
  /** Whether root does the steps that a manager that is not root may not do. */
  readonly asksRoot: boolean
  /** Where a manager that is not root leaves its requests; absent: in the state folder. */
  readonly requestDir?: string
  /** Root's own folder for what it does for the manager. */
  readonly workDir: string
}

export const defaultPlan: ServicePlan = {
  executable: '/usr/bin/device-cloud',
  configDir: systemConfigFolder,
  stateDir: '/var/lib/device-cloud',
  user: 'root',
  appId: 'device_manager',
  placesQueue: true,
  notifies: true,
  asksRoot: false,
  workDir: '/var/lib/device-cloud-root',
}

/**
 * Root's own folder beside the others: not below one of the manager's user, who could put another folder in its place.
 */
export function workDirOf({ configDir, stateDir }: Pick<ServicePlan, 'configDir' | 'stateDir'>): string {
  return `${stateDir.startsWith(`${configDir}/`) ? configDir : stateDir}-root`
}

/** Letters that mean nothing to a shell, to systemd or to a line of a list. */
const plainPath = /^\/(?:[\w.+@,-]+\/)*[\w.+@,-]+$/
const plainName = /^[a-z_][a-z0-9_-]{0,31}$/
const plainAppId = /^\w[\w.-]{0,62}$/

/**
 * The plan itself when everything in it can stand in a service file as it is.
 *
 * @throws AgentError `USAGE`, naming the flag
 */
export function checkedPlan(plan: ServicePlan): ServicePlan {
  const paths = { '--executable': plan.executable, '--config-dir': plan.configDir, '--state-dir': plan.stateDir }
  for (const [flag, path] of Object.entries(paths)) if (!isPlain(path)) throw wrong(flag, path, plainWords)
  const own = { 'runtime_dir of iot.cfg': plan.requestDir ?? plan.stateDir, 'work_dir of root': plan.workDir }
  for (const [what, path] of Object.entries(own)) if (!isPlain(path)) throw wrong(what, path, plainWords)
  if (!plainName.test(plan.user)) throw wrong('--user', plan.user, 'a user name of letters, digits, "_" and "-"')
  if (!plainAppId.test(plan.appId))
    throw wrong('--app-id', plan.appId, 'at most 63 letters, digits, ".", "_" and "-", the first no "." or "-"')
  return plan
}

const plainWords = 'an absolute path of letters, digits and . _ + @ , - without "." and ".." as folders'

function isPlain(path: string): boolean {
  return plainPath.test(path) && !/(?:^|\/)\.\.?(?:\/|$)/.test(path)
}

function wrong(flag: string, value: string, expected: string): AgentError {
  return new AgentError(
    'USAGE',
    `service install: ${flag} ${JSON.stringify(value)} cannot be used: give ${expected}.`,
    {
      details: { command: 'service install' },
    },
  )
}

/** Environment of the manager, the same under every init system. `stateDir` is how the service file writes that folder. */
export function serviceEnvironment(
  plan: ServicePlan,
  stateDir = plan.stateDir,
): readonly (readonly [name: string, value: string])[] {
  return [
    ...(plan.placesQueue ? ([['DEVICE_CLOUD_QUEUE_DIRECTORY', `${stateDir}/queue`]] as const) : []),
    // The manager may end to be started again.
    ['DEVICE_CLOUD_SUPERVISED', '1'],
    // Saves memory: one pool for all threads.
    ['MALLOC_ARENA_MAX', '1'],
    // A Node of the builder's own for 32-bit ARM may have the libuv that polls without end.
    ['UV_USE_IO_URING', '0'],
  ]
}
