import { dirname, join } from 'node:path'
import type { Log } from '../base/log.ts'
import { removeEmptyFolder, removeFolder } from '../platform/folders.ts'
import { removeFile } from '../platform/write-file.ts'

/** Everything of ours in the runtime folder. What others have put there stays, and then the folder stays too. */
const runtimeFolders = ['upload', 'download', 'otapackage', 'ota']
const runtimeFiles = ['message_ids', '.otalock', 'root-request.json', 'root-asked.json']

/** How many old log files the log keeps at most. */
const mostOldLogs = 9

/**
 * Takes away what lets this device reach the cloud, and what it has of it: the token first, then the identity and the rest
 * [M6]. One that cannot be removed is said, and the others are removed all the same.
 *
 * @param files.connectionFile as it was named, `-f` included: the token is in it
 * @param files.runtimeFolder absent: it stays
 */
export async function forgetDevice(
  files: { readonly connectionFile: string; readonly configDir: string; readonly runtimeFolder: string | undefined },
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
  if (runtimeFolder === undefined) return log.warn('decommission leaves the runtime folder: others could have named it')
  for (const name of runtimeFolders) await attempt(join(runtimeFolder, name), removeFolder)
  for (const name of runtimeFiles) await attempt(join(runtimeFolder, name), removeFile)
}

/**
 * The end of a decommissioning, when nothing is in use any more: samples that were never sent, the log, and the folders
 * when nothing is left in them.
 *
 * @param parts.stateFolder what the client kept on flash
 */
export async function forgetLast(parts: {
  readonly runtimeFolder: string
  readonly stateFolder: string | undefined
  readonly logFile: string | undefined
}): Promise<void> {
  const { runtimeFolder, stateFolder, logFile } = parts
  const oldLogs = Array.from({ length: mostOldLogs }, (_, index) => `${logFile}.${index + 1}`)
  // There is no log any more to say a failure in.
  const attempt = (work: Promise<void>) => work.catch(() => {})
  if (logFile !== undefined) for (const path of [logFile, ...oldLogs]) await attempt(removeFile(path))
  if (stateFolder !== undefined) {
    await attempt(removeFolder(stateFolder))
    await attempt(removeEmptyFolder(dirname(stateFolder)))
  }
  await attempt(removeEmptyFolder(runtimeFolder))
}
