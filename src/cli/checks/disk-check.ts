// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto'
import { dirname, join } from 'node:path'
import { AgentError } from '../../base/errors.ts'
import { fileFacts } from '../../platform/files/file-facts.ts'
import { checkWritable } from '../../platform/files/folders.ts'
import { spaceAt } from '../../platform/files/space.ts'
import { createFile, removeFile } from '../../platform/files/write-file.ts'
import { bytesText } from '../shell/bytes-text.ts'
import type { Check } from './run-checks.ts'

/** With less free space than this, updates and file transfers soon fail. */
const minFreeBytes = 10 * 1024 * 1024
const minFreeInodes = 100

/** Whether the runtime folder has free space and can be written to, or can be made where it does not exist yet. */
export function diskCheck(runtimeDir: string): Check {
  return {
    name: 'disk',
    run: async () => {
      const written = await tryWriting(runtimeDir)
      const { freeBytes, freeInodes } = await spaceAt(runtimeDir)
      if (freeBytes < minFreeBytes)
        throw new AgentError('DISK_FULL', `Only ${bytesText(freeBytes)} are free at ${runtimeDir}.`)
      if (freeInodes !== undefined && freeInodes < minFreeInodes)
        throw new AgentError('DISK_FULL', `There are inodes for only ${freeInodes} more files at ${runtimeDir}.`, {
          remedy: 'Remove files that are not needed. Their number matters here, not their size.',
        })
      return `${bytesText(freeBytes)} free at ${runtimeDir}${written}`
    },
  }
}

async function tryWriting(runtimeDir: string): Promise<string> {
  if ((await fileFacts(runtimeDir)) === undefined) {
    await checkWritable(await nearestFolder(runtimeDir))
    return '; the device manager makes the folder when it starts'
  }
  const probe = join(runtimeDir, `.check-${randomBytes(6).toString('hex')}`)
  await createFile(probe, '')
  await removeFile(probe)
  return ', and it can be written to'
}

/** The nearest existing folder above `path`. */
async function nearestFolder(path: string): Promise<string> {
  const above = dirname(path)
  return above === path || (await fileFacts(above)) !== undefined ? above : nearestFolder(above)
}
