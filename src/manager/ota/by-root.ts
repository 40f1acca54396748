// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../../base/clock.ts'
import { sleep, waitFor } from '../../base/wait.ts'
import { Status } from '../../protocol/status.ts'
import { UpdateError } from './package/index.ts'
import { maxTries, type StepResult, type UpdateState } from './state/index.ts'

/** Root's part of a manager that is not root, as far as an update needs it. */
export interface RootInstaller {
  /** The result of the installation `id`; undefined while there is none. */
  result(id: string): Promise<{ readonly status: Status; readonly text: string } | undefined>
  /** Whether the installation has begun and has no result. */
  isBusy(id: string): Promise<boolean>
  /** Leaves the request for an installation. On flash when it resolves. */
  leave(order: {
    readonly id: string
    readonly package: string
    readonly path: string
    readonly extraParams: string
  }): Promise<void>
  withdraw(): Promise<void>
  /** Ends this process in good order, for root to do its part. */
  end(): void
  /** The log of an installation with a result. */
  logPath(id: string): string | undefined
}

/** How long the manager runs beside a script of root before it ends again, so that root can continue. */
const besideMs = 60_000

/**
 * Lets root install the package: leaves a request and ends this process. The next process finds the result, which root keeps
 * until then; one that finds none asks again, a few times.
 */
export async function letRoot(
  state: UpdateState,
  path: string,
  { root, clock }: { readonly root: RootInstaller | undefined; readonly clock: Clock },
  signal: AbortSignal,
): Promise<StepResult> {
  const { id, package: name, extraParams } = state.request
  if (root === undefined)
    throw new UpdateError('NOT_SUPPORTED', Status.NotSupported, 'The service no longer has a part that runs as root.')
  const known = await root.result(id)
  if (known !== undefined) {
    await root.withdraw()
    return known.status === Status.Success ? { kind: 'done' } : { kind: 'failed', ...known }
  }
  // A script restarts the service: root's part has left the script running, so that the manager could start at all.
  if (await root.isBusy(id)) await sleep(clock, besideMs, signal)
  else if (state.tries < maxTries) await root.leave({ id, package: name, path, extraParams })
  else {
    await root.withdraw()
    const text = `the supervisor of the service did not take it ${maxTries} times; run "device-cloud service install" again`
    return { kind: 'failed', status: Status.Failure, text }
  }
  root.end()
  return await waitFor<StepResult>(signal, () => undefined)
}
