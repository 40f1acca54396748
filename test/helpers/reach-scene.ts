// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { OwnThings } from '../../src/manager/transfers/reach/protected-places.ts'
import { Reach } from '../../src/manager/transfers/reach/reach.ts'
import { memoryLog } from './memory-log.ts'
import { tempDir } from './temp-dir.ts'

/** The folders of a device, and how far its file actions reach. */
export function reachScene(
  t: TestContext,
  options: { readonly allow?: readonly string[]; readonly own?: object } = {},
) {
  const root = realpathSync(tempDir(t))
  const configDir = join(root, 'config')
  const runtime = join(configDir, 'runtime')
  const uploadFolder = join(runtime, 'upload')
  const downloadFolder = join(runtime, 'download')
  for (const folder of [uploadFolder, downloadFolder]) mkdirSync(folder, { recursive: true })
  const allow = { now: options.allow ?? ['/'] }
  const own: OwnThings = {
    configDir,
    connectionFile: join(configDir, 'iot-connect.cfg'),
    settingFiles: [],
    logFile: undefined,
    queueFolder: undefined,
    runtimeFolder: runtime,
    programs: [],
    ...options.own,
  }
  const { log, text } = memoryLog()
  const reach = new Reach({ facts: () => ({ own, uploadFolder, downloadFolder, allow: allow.now }), log })
  return { root, configDir, runtime, uploadFolder, downloadFolder, reach, allow, said: text }
}
