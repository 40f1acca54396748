// SPDX-License-Identifier: Apache-2.0
import { dirname, join } from 'node:path'
import type { Log } from '../../base/log.ts'
import { removeEmptyFolder } from '../../platform/files/folders.ts'
import { removeFile, replaceFile } from '../../platform/files/write-file.ts'
import { removeFolder } from '../../platform/held/remove-tree.ts'
import type { RemainingFiles } from './remaining-policies.ts'

/** The files of the agent in the runtime folder. Files of others stay, and then the folder stays too. */
const runtimeFolders = ['upload', 'download', 'otapackage', 'ota']
const runtimeFiles = ['message_ids', '.otalock', 'root-request.json', 'root-asked.json']

/** How many old log files the log keeps at most. */
const maxOldLogs = 9

/**
 * Removes the files that let this device reach the cloud, and those that it got from it: the token first, then the identity
 * and the rest [M6]. A file that cannot be removed is logged, and the others are removed all the same.
 *
 * @param files.connectionFile as it was named, `-f` included: the token is in it
 * @param files.runtimeFolder undefined: it stays
 */
export async function forgetDevice(
  files: {
    readonly connectionFile: string
    readonly configDir: string
    readonly runtimeFolder: string | undefined
    /** New texts instead of removal: a device that reaches the cloud without these files must not come back without its policies. */
    readonly remaining: RemainingFiles | undefined
  },
  log: Log,
): Promise<void> {
  const { connectionFile, configDir, runtimeFolder, remaining } = files
  const attempt = async (path: string, remove: (path: string) => Promise<void>) => {
    try {
      await remove(path)
    } catch (error) {
      log.error('file not removed by decommission_device: remove it by hand', { path, error })
    }
  }
  const leave = (text: string | undefined) => (path: string) =>
    text === undefined ? removeFile(path) : replaceFile(path, text)
  await attempt(connectionFile, leave(remaining?.connection))
  await attempt(join(configDir, 'device_id'), removeFile)
  await attempt(join(configDir, 'iot.cfg'), leave(remaining?.own))
  if (runtimeFolder === undefined) return log.warn('decommission leaves the runtime folder: others could have named it')
  for (const name of runtimeFolders)
    if (remaining === undefined || name !== 'ota') await attempt(join(runtimeFolder, name), removeFolder)
  for (const name of runtimeFiles) await attempt(join(runtimeFolder, name), removeFile)
}

/**
 * The end of a decommissioning, when no file is in use any more: removes samples that were never sent, the log, and the
 * folders that are empty then.
 *
 * @param parts.stateFolder what the client kept on flash
 */
export async function forgetLast(parts: {
  readonly runtimeFolder: string
  readonly stateFolder: string | undefined
  readonly logFile: string | undefined
}): Promise<void> {
  const { runtimeFolder, stateFolder, logFile } = parts
  const oldLogs = Array.from({ length: maxOldLogs }, (_, index) => `${logFile}.${index + 1}`)
  // A failure cannot be logged: the log is removed.
  const attempt = (work: Promise<void>) => work.catch(() => {})
  if (logFile !== undefined) for (const path of [logFile, ...oldLogs]) await attempt(removeFile(path))
  if (stateFolder !== undefined) {
    await attempt(removeFolder(stateFolder))
    await attempt(removeEmptyFolder(dirname(stateFolder)))
  }
  await attempt(removeEmptyFolder(runtimeFolder))
}
