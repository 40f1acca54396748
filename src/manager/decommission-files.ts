import { join } from 'node:path'
import type { Log } from '../base/log.ts'
import { removeEmptyFolder, removeFolder } from '../platform/folders.ts'
import { removeFile } from '../platform/write-file.ts'

/** Everything of ours in the runtime folder. What others have put there stays, and then the folder stays too. */
const runtimeFolders = ['upload', 'download', 'otapackage']
const runtimeFiles = ['message_ids', '.otalock']

/** How many old log files the log keeps at most. */
const mostOldLogs = 9

/**
 * Takes away what lets this device reach the cloud, and what it has of it: the token first, then the identity and the rest
 * [M6]. One that cannot be removed is said, and the others are removed all the same.
 *
 * @param files.connectionFile as it was named, `-f` included: the token is in it
 */
export async function forgetDevice(
  files: { readonly connectionFile: string; readonly configDir: string; readonly runtimeFolder: string },
  log: Log,
): Promise<void> {
  const { connectionFile, configDir, runtimeFolder } = files
  const attempt = async (path: string, remove: (path: string) => Promise<void>) => {
    try {
      await remove(path)
    } catch (error) {
      log.error('decommission could not remove a file: remove it by hand', { path, error })
    }
  }
  for (const path of [connectionFile, join(configDir, 'device_id'), join(configDir, 'iot.cfg')])
    await attempt(path, removeFile)
  for (const name of runtimeFolders) await attempt(join(runtimeFolder, name), removeFolder)
  for (const name of runtimeFiles) await attempt(join(runtimeFolder, name), removeFile)
}

/** The end of a decommissioning, when nothing is in use any more: the log, and the runtime folder when nothing is left in it. */
export async function forgetLast(runtimeFolder: string, logFile: string | undefined): Promise<void> {
  const logs =
    logFile === undefined ? [] : [logFile, ...Array.from({ length: mostOldLogs }, (_, n) => `${logFile}.${n + 1}`)]
  // There is no log any more to say it in.
  for (const path of logs) await removeFile(path).catch(() => {})
  await removeEmptyFolder(runtimeFolder).catch(() => {})
}
