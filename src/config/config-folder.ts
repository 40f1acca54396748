// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path'
import { fileFacts } from '../platform/files/file-facts.ts'
import { currentFolder, type Environment } from '../platform/process/process-facts.ts'
import { ownershipProblem } from './ownership.ts'
import type { ConfigNote } from './settings.ts'

/** The folder of the configuration of a device whose manager is a service. */
export const systemConfigFolder = '/etc/device-cloud'

/** The environment variable that names the folder of the configuration. */
export const configFolderVariable = 'DEVICE_CLOUD_CONFIG_DIR'

/** The folder of the configuration. */
export interface ConfigFolder {
  /** Absolute. */
  readonly path: string
  /** Folders besides `path` that have no connection file either; empty where one was found or the folder was named. */
  readonly alsoTried: readonly string[]
  /** Why the current folder was passed over. */
  readonly warning?: ConfigNote
}

/** The request of {@link findConfigFolder}. */
export interface ConfigFolderRequest {
  /** The folder that the command line or the application names. */
  readonly named: string | undefined
  readonly environment: Environment
  /** Name of the connection file, or a path. */
  readonly connectionFile: string
  /** Only tests use other folders than the current one and {@link systemConfigFolder}. */
  readonly current?: string
  readonly system?: string
}

/**
 * The folder of the configuration: the named one, else that of `DEVICE_CLOUD_CONFIG_DIR`, else the current folder if it has a
 * connection file, else `/etc/device-cloud` if that has one [contract 2]. Where neither has one it is the current folder: a
 * command that needs no connection file works there, and one that needs it reports where it has looked.
 *
 * A current folder in which other users can write does not take precedence over that of the system: a user who runs a command
 * in `/tmp` does not mean a connection file that another user has put there.
 */
export async function findConfigFolder(request: ConfigFolderRequest): Promise<ConfigFolder> {
  const { named, environment, connectionFile, system = systemConfigFolder } = request
  const chosen = named ?? (environment[configFolderVariable] || undefined)
  // Before the current folder is asked for: it may be gone, and is not needed here.
  if (chosen !== undefined) return { path: resolve(chosen), alsoTried: [] }
  const current = request.current ?? currentFolder()
  const [isHere, isThere] = await Promise.all([has(current, connectionFile), has(system, connectionFile)])
  if (!isThere) return { path: current, alsoTried: isHere ? [] : [system] }
  if (!isHere) return { path: system, alsoTried: [] }
  const warning = await whyPassedOver(current, connectionFile, system)
  return warning === undefined ? { path: current, alsoTried: [] } : { path: system, alsoTried: [], warning }
}

/** A file that this user may not look at counts as present: the code that reads it reports the cause. */
async function has(folder: string, file: string): Promise<boolean> {
  try {
    return (await fileFacts(resolve(folder, file))) !== undefined
  } catch {
    return true
  }
}

async function whyPassedOver(current: string, file: string, system: string): Promise<ConfigNote | undefined> {
  // Both paths lead to the same folder.
  if ((await identityOf(current)) === (await identityOf(system))) return undefined
  const found = await ownershipProblem({
    configDir: current,
    connection: { path: resolve(current, file) },
    manager: { path: resolve(current, 'iot.cfg') },
    caBundleFile: undefined,
  })
  if (found === undefined) return undefined
  return {
    level: 'warn',
    file: found.file,
    problem: `${found.problem}, so the configuration of ${system} is used`,
    remedy: `Name ${current} with -c, or in ${configFolderVariable}, to use it anyway.`,
  }
}

async function identityOf(folder: string): Promise<string> {
  const facts = await fileFacts(folder)
  return `${facts?.device}:${facts?.inode}`
}
