import { resolve } from 'node:path'
import { fileFacts } from '../platform/files/file-facts.ts'
import { currentFolder, type Environment } from '../platform/process/process-facts.ts'
import { ownershipProblem } from './ownership.ts'
import type { ConfigNote } from './settings.ts'

/** The folder of the configuration of a device whose manager is a service. */
export const systemConfigFolder = '/etc/device-cloud'

/** Names the folder of the configuration for whoever is not told it otherwise. */
export const configFolderVariable = 'DEVICE_CLOUD_CONFIG_DIR'

/** Where the configuration is. */
export interface ConfigFolder {
  /** Absolute. */
  readonly path: string
  /** Folders besides `path` in which there is no connection file either; empty where one was found or the folder was named. */
  readonly alsoTried: readonly string[]
  /** Why the current folder was passed over. */
  readonly warning?: ConfigNote
}

/** What {@link findConfigFolder} needs to know. */
export interface ConfigFolderRequest {
  /** As the command line or the application names it. */
  readonly named: string | undefined
  readonly environment: Environment
  /** Name of the connection file, or a path. */
  readonly connectionFile: string
  /** Only tests have other ones than the current folder and {@link systemConfigFolder}. */
  readonly current?: string
  readonly system?: string
}

/**
 * The folder of the configuration: the one that is named, else that of `DEVICE_CLOUD_CONFIG_DIR`, else the current one if a
 * connection file is in it, else `/etc/device-cloud` [contract 2]. Where neither has one the current folder stays: whoever
 * needs no connection file works there, and whoever needs one says where it was looked for.
 *
 * A current folder in which others can write does not win over that of the system: whoever runs a command in `/tmp` does
 * not mean a connection file that somebody has put there.
 */
export async function findConfigFolder(request: ConfigFolderRequest): Promise<ConfigFolder> {
  const { named, environment, connectionFile, system = systemConfigFolder } = request
  const told = named ?? (environment[configFolderVariable] || undefined)
  // A folder that is gone has no name to ask for, and none is needed here.
  if (told !== undefined) return { path: resolve(told), alsoTried: [] }
  const current = request.current ?? currentFolder()
  const [isHere, isThere] = await Promise.all([has(current, connectionFile), has(system, connectionFile)])
  if (!isThere) return { path: current, alsoTried: isHere ? [] : [system] }
  if (!isHere) return { path: system, alsoTried: [] }
  const warning = await whyPassedOver(current, connectionFile, system)
  return warning === undefined ? { path: current, alsoTried: [] } : { path: system, alsoTried: [], warning }
}

/** A file that this user may not look at is there: what uses it says so. */
async function has(folder: string, file: string): Promise<boolean> {
  try {
    return (await fileFacts(resolve(folder, file))) !== undefined
  } catch {
    return true
  }
}

async function whyPassedOver(current: string, file: string, system: string): Promise<ConfigNote | undefined> {
  // It is the same folder, by whatever way.
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
    problem: `${found.problem}, so that the configuration is that of ${system}`,
    remedy: `Name ${current} with -c, or in ${configFolderVariable}, to use it all the same.`,
  }
}

async function identityOf(folder: string): Promise<string> {
  const facts = await fileFacts(folder)
  return `${facts?.device}:${facts?.inode}`
}
