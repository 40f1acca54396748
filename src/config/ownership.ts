import { resolve } from 'node:path'
import type { FileFacts } from '../platform/files/file-facts.ts'
import { type OwnIdentity, ownIdentity } from '../platform/owners/own-identity.ts'
import { describeWeakSpots, type WeakSpot, weakSpotsOn } from '../platform/owners/weak-spots.ts'
import type { Capability } from './closure.ts'
import type { ClientConfig } from './load.ts'
import type { ConfigProblem, Settings } from './settings.ts'

/** A file that decides what this device does. */
export interface DecidingFile {
  readonly path: string
  /** The very file that was read. */
  readonly opened?: FileFacts
}

/** What a configuration closes that another user can change: whatever it names that would run, or be read, as the agent's user. */
export const closedByOwnership: readonly Capability[] = ['ota', 'service_commands', 'absolute_paths']

const maxShown = 4

/**
 * That another user than root and the own one can change the configuration; undefined when only they can. Looked at are
 * the connection file, `iot.cfg`, `device_id` and `ca_bundle_file`, and all folders and links that lead to them.
 * `attributes.cfg` is not: it holds texts.
 */
export async function ownershipProblem(config: {
  readonly configDir: string
  /** Absent when it was never asked for. */
  readonly connection: DecidingFile | undefined
  readonly manager: DecidingFile
  readonly caBundleFile: string | undefined
  readonly self?: OwnIdentity
}): Promise<ConfigProblem | undefined> {
  const { configDir, connection, manager, caBundleFile } = config
  const self = config.self ?? (await ownIdentity())
  const files: readonly (DecidingFile | undefined)[] = [
    connection,
    manager,
    { path: resolve(configDir, 'device_id') },
    caBundleFile === undefined ? undefined : { path: caBundleFile },
  ]
  const spots: WeakSpot[] = []
  for (const file of files) {
    if (file === undefined) continue
    const { path, opened } = file
    spots.push(...(await weakSpotsOn(path, opened === undefined ? { self } : { self, opened })))
  }
  return problemOf(configDir, spots, self)
}

/**
 * Where the log goes: with a configuration that others can change, to no file that it names, because what stands in a log
 * may be a command to whatever reads the file. One that the command line names is written.
 */
export function logSettingsOf(config: Pick<ClientConfig, 'settings' | 'origins'>, isWeak: boolean): Settings {
  const { logFile, ...settings } = config.settings
  const isOwn = config.origins.get('log_file')?.source !== 'file'
  return logFile === undefined || (isWeak && !isOwn) ? settings : config.settings
}

/** A mistake that consists of weak spots: the first one is named as the file; undefined without any. */
export function problemOf(
  about: string,
  spots: readonly WeakSpot[],
  self: Pick<OwnIdentity, 'userId'>,
): ConfigProblem | undefined {
  const unique = spots.filter(({ path, why }, index) => {
    return spots.findIndex(other => other.path === path && other.why === why) === index
  })
  const [first] = unique
  if (first === undefined) return undefined
  const others = describeWeakSpots(unique.slice(1, maxShown))
  const more = unique.length > maxShown ? `, and ${unique.length - maxShown} more` : ''
  const problem = `${first.why}${others === '' ? '' : `; ${others}${more}`}: ${whose(self)} alone may change what decides here`
  // The order of the way: what is above comes first, and the rest shows when that is mended.
  const commands = unique.map(({ remedy }) => remedy)
  const move = first.isAbove ? `, and move ${about} to where ${whose(self)} alone may write, or run` : ', then run'
  return {
    file: first.path,
    problem,
    remedy: `Look at what was written there${move}: ${[...new Set(commands)].join(' && ')}`,
  }
}

function whose({ userId }: Pick<OwnIdentity, 'userId'>): string {
  return userId === 0 ? 'root' : 'root, or the user of the agent,'
}
