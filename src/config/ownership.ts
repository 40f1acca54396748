// SPDX-License-Identifier: Apache-2.0
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
  readonly opened?: FileFacts | undefined
}

/** What is closed when another user can change the configuration: all that it names and that would run, or be read, as the agent's user. */
export const closedByOwnership: readonly Capability[] = ['ota', 'service_commands', 'absolute_paths']

const maxShown = 4

/**
 * The problem that a user other than root and the agent's own can change the configuration; undefined when no other user can.
 * It looks at the connection file, `iot.cfg`, `device_id` and `ca_bundle_file`, and at all folders and links that lead to them,
 * but not at `attributes.cfg`, which holds only texts.
 */
export async function ownershipProblem(config: {
  readonly configDir: string
  /** Undefined when the caller has not looked for it. */
  readonly connection: DecidingFile | undefined
  readonly manager: DecidingFile
  readonly caBundleFile: string | undefined
  readonly self?: OwnIdentity | undefined
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
    spots.push(...(await weakSpotsOn(path, { self, opened })))
  }
  return problemOf(configDir, spots, self)
}

/**
 * Where the log goes. A configuration that other users can change does not decide about a log file, because a line of a log
 * may be a command to the program that reads the file. A log file that the command line names is written.
 */
export function logSettingsOf(config: Pick<ClientConfig, 'settings' | 'origins'>, isWeak: boolean): Settings {
  const { logFile, ...settings } = config.settings
  const isOwn = config.origins.get('log_file')?.source !== 'file'
  return logFile === undefined || (isWeak && !isOwn) ? settings : config.settings
}

/** The problem of these weak spots, the first one named as the file; undefined without any. */
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
  // Outer folders come first: the rest shows when they are corrected.
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
