import { AgentError } from '../../base/errors.ts'

/** What a service file says: where things are on the device, and as whom the manager runs. Paths are those of the device. */
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
  /** Whether systemd can be told how the service is. */
  readonly notifies: boolean
}

export const defaultPlan: ServicePlan = {
  executable: '/usr/bin/device-cloud',
  configDir: '/etc/device-cloud',
  stateDir: '/var/lib/device-cloud',
  user: 'root',
  appId: 'device_manager',
  placesQueue: true,
  notifies: true,
}

/** With this exit code the manager asks whoever supervises it to start it again at once; systems keep it for "try again". */
export const againExitCode = 75

/** With this exit code a manager that is not root has left a request for root: it is started again when that is done. */
export const rootStepExitCode = 76

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
  for (const [flag, path] of Object.entries(paths))
    if (!plainPath.test(path) || /(?:^|\/)\.\.?(?:\/|$)/.test(path))
      throw wrong(flag, path, 'an absolute path of letters, digits and . _ + @ , - without "." and ".." as folders')
  if (!plainName.test(plan.user)) throw wrong('--user', plan.user, 'a user name of letters, digits, "_" and "-"')
  if (!plainAppId.test(plan.appId))
    throw wrong('--app-id', plan.appId, 'at most 63 letters, digits, ".", "_" and "-", the first no "." or "-"')
  return plan
}

function wrong(flag: string, value: string, expected: string): AgentError {
  return new AgentError('USAGE', `service install: ${flag} ${JSON.stringify(value)} cannot be used: give ${expected}.`)
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
