// SPDX-License-Identifier: Apache-2.0
import { basename, dirname, join } from 'node:path'
import type { Settings } from '../../../config/settings.ts'
import { ownPrograms } from '../../../platform/process/own-executable.ts'
import { isBootLink, servicePlaces } from './service-places.ts'

/** The paths that identify the agent's own things; all are absolute. */
export interface OwnThings {
  readonly configDir: string
  /** As it was named, `-f` included. */
  readonly connectionFile: string
  /** Files that settings name: CA file, keys. */
  readonly settingFiles: readonly string[]
  readonly logFile: string | undefined
  /** `queue.directory`. */
  readonly queueFolder: string | undefined
  readonly runtimeFolder: string
  /** The program that this process runs, and its script if it has one. */
  readonly programs: readonly string[]
}

/** The agent's own things, as paths. */
export interface ProtectedPlaces {
  /** Closed with all that is below them. */
  readonly trees: readonly string[]
  /** Closed are the files directly in them, and their folders `NAME.d`. */
  readonly flats: readonly string[]
  readonly files: readonly string[]
  /** Open again, although they lie in a closed tree. */
  readonly open: readonly string[]
  /** Whether a real path is closed by its name. */
  isClosedName(path: string): boolean
}

/** Folders of programs and of parts of the configuration, which lie beside it. */
const extensionFolders = ['actions.d', 'samples.d', 'config.d', 'log.d', 'inventory.d', 'modules.d']
/** They show the system itself, and hold no files of users. */
export const systemViews: readonly string[] = ['/proc', '/sys', '/dev']

/**
 * The one list of what no file action reaches, whatever `file_transfer.allow` says. A folder of a Python agent may hold other
 * things beside the configuration: folders of other names in it stay open.
 */
export function protectedPlaces(own: OwnThings): ProtectedPlaces {
  const { configDir, connectionFile, settingFiles, logFile, queueFolder, runtimeFolder, programs } = own
  const trees = [
    ...systemViews,
    runtimeFolder,
    join(configDir, 'queue'),
    ...(queueFolder === undefined ? [] : [queueFolder]),
    ...extensionFolders.map(name => join(configDir, name)),
    ...servicePlaces.folders,
  ]
  const named = ['device_id', 'iot.cfg', 'attributes.cfg', 'iot-connect.cfg'].map(name => join(configDir, name))
  const logs = logFile === undefined ? [] : [logFile]
  const files = [...named, connectionFile, ...settingFiles, ...logs, ...programs, ...servicePlaces.files]
  // Rotated logs, and an executable that waits for its trial run or was replaced.
  const numbered = [...logs, ...programs].map(path => `${path}.`)
  return {
    trees,
    flats: [configDir],
    files,
    open: [join(runtimeFolder, 'upload'), join(runtimeFolder, 'download')],
    isClosedName: path => isBootLink(path) || numbered.some(beginning => isBeside(beginning, path)),
  }
}

function isBeside(beginning: string, path: string): boolean {
  return dirname(path) === dirname(beginning) && basename(path).startsWith(basename(beginning))
}

/** Where the agent's own things are, from its settings and its process. */
export function ownThings(parts: {
  readonly configDir: string
  readonly connectionFile: string
  readonly runtimeFolder: string
  readonly settings: Settings
}): OwnThings {
  const { settings, ...places } = parts
  return {
    ...places,
    settingFiles: settings.caBundleFile === undefined ? [] : [settings.caBundleFile],
    logFile: settings.logFile,
    queueFolder: settings.queue.directory,
    programs: ownPrograms(),
  }
}
