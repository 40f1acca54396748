// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'
import { backoffMs } from '../../base/backoff.ts'
import type { Clock } from '../../base/clock.ts'
import { AgentError } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import { sleep, throwIfAborted } from '../../base/wait.ts'
import { ensureFolder } from '../../platform/files/folders.ts'
import { CloudError, Status } from '../../protocol/status.ts'
import { packageKind, UpdateError } from './package/index.ts'
import type { UpdatePlaces, UpdateRequest } from './state/index.ts'
import type { UpdateCloud } from './update-cloud.ts'

/** As many rounds as the Python agent, but with pauses, and only for failures that may pass [O8]. */
const maxRounds = 20
const pause = { firstMs: 2_000, maxMs: 60_000 }

/** Where the package of a request is, or will be. */
export function packagePath(request: UpdateRequest, places: UpdatePlaces): string {
  return request.path ?? join(places.downloadFolder, request.package)
}

/**
 * Fetches the package: from the store of the organisation, and where that does not have it, from that of the thing
 * [TR50 7.4]. `ota_timeout` counts while there is a link.
 *
 * @throws UpdateError, AgentError of the transfer
 */
export async function fetchPackage(parts: {
  readonly request: UpdateRequest
  readonly places: UpdatePlaces
  readonly cloud: UpdateCloud | undefined
  readonly clock: Clock
  readonly log: Log
  readonly signal: AbortSignal
}): Promise<void> {
  const { request, places, cloud, clock, log, signal } = parts
  packageKind(request.package)
  if (request.from === 'local') return
  if (cloud === undefined)
    throw new UpdateError(
      'NOT_SUPPORTED',
      Status.NotSupported,
      'The package is in the cloud, and there is no cloud here.',
    )
  await ensureFolder(places.downloadFolder)
  const destination = packagePath(request, places)
  let leftMs = request.timeoutS * 1000
  for (let round = 0; ; round++) {
    await cloud.connected(signal)
    const startedMs = clock.monotonicMs()
    try {
      await fromEitherStore(cloud, request.package, destination, leftMs, signal)
      return
    } catch (error) {
      throwIfAborted(signal)
      leftMs -= clock.monotonicMs() - startedMs
      const mayPass = error instanceof AgentError && error.retryable && error.code !== 'DISK_FULL'
      if (!mayPass || error.code === 'TIMEOUT' || leftMs <= 0 || round + 1 >= maxRounds) throw error
      log.warn('download of the package failed; it is tried again', { package: request.package, round, error })
      await sleep(clock, backoffMs(pause, round, clock.random()), signal)
    }
  }
}

async function fromEitherStore(
  cloud: UpdateCloud,
  name: string,
  destination: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  try {
    await cloud.download(name, destination, { global: true, timeoutMs, signal })
  } catch (error) {
    if (!isNotThere(error)) throw error
    await cloud.download(name, destination, { global: false, timeoutMs, signal })
  }
}

function isNotThere(error: unknown): boolean {
  if (!(error instanceof AgentError)) return false
  const { errorCodes } = error.details
  return error.code === 'FILE_NOT_FOUND' || (Array.isArray(errorCodes) && errorCodes.includes(CloudError.NotFound))
}
