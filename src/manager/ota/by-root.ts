import type { Clock } from '../../base/clock.ts'
import { sleep, waitFor } from '../../base/wait.ts'
import { Status } from '../../protocol/status.ts'
import { UpdateError } from './package/index.ts'
import { maxTries, type StepResult, type UpdateState } from './state/index.ts'

/** Root's part of a manager that is not root, as an update sees it. */
export interface RootInstaller {
  /** How the installation `id` ended; undefined when it has not. */
  result(id: string): Promise<{ readonly status: Status; readonly text: string } | undefined>
  /** Whether it was begun and is not over. */
  isBusy(id: string): Promise<boolean>
  /** Leaves the request for it. On flash when it resolves. */
  leave(order: {
    readonly id: string
    readonly package: string
    readonly path: string
    readonly extraParams: string
  }): Promise<void>
  withdraw(): Promise<void>
  /** Ends this process in good order, for root to do its part. */
  end(): void
  /** Where its log is when it is over. */
  logPath(id: string): string | undefined
}

/** How long the manager runs beside a script of root's before it makes room again. */
const besideMs = 60_000

/**
 * Has root install the package: leaves a request and ends this process. The next one finds the result, which root keeps
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
    throw new UpdateError('NOT_SUPPORTED', Status.NotSupported, 'the service has no part any more that runs as root')
  const known = await root.result(id)
  if (known !== undefined) {
    await root.withdraw()
    return known.status === Status.Success ? { kind: 'done' } : { kind: 'failed', ...known }
  }
  // A script that restarts the service: root's part has left it running, so that the manager could start at all.
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
