// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { TestContext } from 'node:test'
import type { Clock } from '../../src/base/clock.ts'
import { AgentError, type ErrorCode } from '../../src/base/errors.ts'
import type { TransferFiles } from '../../src/platform/held/transfer-files.ts'
import { FilesService } from '../../src/services/files/files-service.ts'
import { FileCloud } from './file-cloud.ts'
import { HurriedClock } from './hurried-clock.ts'
import { memoryLog } from './memory-log.ts'
import { tempDir } from './temp-dir.ts'

export interface DownloadScene {
  cloud: FileCloud
  files: FilesService
  folder: string
  log: ReturnType<typeof memoryLog>
}

/** A service that moves files, over a cloud in this very process and an empty folder. */
export async function scene<C extends Clock = HurriedClock>(
  t: TestContext,
  options: { clock?: C; files?: TransferFiles; maxDownloadBytes?: number } = {},
): Promise<DownloadScene & { clock: C }> {
  const cloud = await FileCloud.start(t)
  const clock = options.clock ?? (new HurriedClock() as Clock as C)
  const log = memoryLog(clock)
  const { requester, https, untilUp } = cloud
  const files = new FilesService({
    requester,
    https,
    untilUp,
    clock,
    log: log.log,
    thingKey: 'K',
    cloudHost: 'cloud.example.test',
    ...(options.files === undefined ? {} : { files: options.files }),
    ...(options.maxDownloadBytes === undefined ? {} : { maxDownloadBytes: options.maxDownloadBytes }),
  })
  t.after(() => files.close())
  return { cloud, files, folder: tempDir(t), clock, log }
}

export const failsWith = (code: ErrorCode, text?: RegExp) => (error: unknown) => {
  assert.ok(error instanceof AgentError, String(error))
  assert.equal(error.code, code, error.message)
  if (text !== undefined) assert.match(error.message, text)
  return true
}

export const content = randomBytes(700_001)

/** A cloud that serves a file without an end. */
export function endless(cloud: FileCloud, total: number) {
  const sent = { bytes: 0, requests: 0 }
  cloud.https.request = async () => {
    sent.requests++
    async function* blocks() {
      for (; sent.bytes < total; sent.bytes += 1_048_576) yield new Uint8Array(1_048_576)
    }
    return { status: 200, headers: {}, body: Object.assign(blocks(), { destroy: () => {} }) }
  }
  return sent
}
