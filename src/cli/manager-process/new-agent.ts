// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../../base/clock.ts'
import { AgentError } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import type { LogOutput } from '../../client/log-output.ts'
import { loadClientConfig } from '../../config/load.ts'
import { loadManagerConfig } from '../../config/manager-config.ts'
import { logSettingsOf, ownershipProblem } from '../../config/ownership.ts'
import type { ConfigProblem, Settings } from '../../config/settings.ts'
import { formatProblem } from '../../config/values.ts'
import {
  AgentSlot,
  speaks,
  type TrialEnd,
  type TrialParts,
  trialVersions,
  versionsText,
} from '../../manager/ota/index.ts'
import { isOnTrial, ownExecutable, trialVersion } from '../../platform/process/own-executable.ts'
import { processEnvironment } from '../../platform/process/process-facts.ts'
import type { Invocation } from '../shell/command.ts'
import { managerArgs } from './manager-args.ts'

/** What the process of the manager lends to a trial run. */
interface Lent extends Pick<TrialParts, 'signal' | 'onBegin' | 'onReload'> {
  readonly clock: Clock
  readonly log: Log
  readonly output: LogOutput
}

/** Lets the new executable of an update run instead of this one, until its result says which of them continues. */
export async function watchTrial(invocation: Invocation, { log, output, ...lent }: Lent): Promise<TrialEnd> {
  const executable = ownExecutable()
  checkTrialVersion()
  if (executable === undefined || isOnTrial()) return 'old'
  const slot = new AgentSlot({ executable, clock: lent.clock })
  // Where no update is under way, a start costs this one look and no more.
  const waits = await slot.hasCandidate().catch(error => {
    log.error('cannot see whether a new agent waits; the old one continues', { error })
    return false
  })
  if (!waits) return 'old'
  const { runTrial } = await import('../../manager/ota/commands.ts')
  const { runtimeDir, logSettings, weak } = await configOf(invocation)
  await output.open(logSettings, managerArgs(invocation).appId)
  if (weak !== undefined) {
    log.error('a new agent waits, and is not started: the old one continues', { error: formatProblem(weak) })
    return 'old'
  }
  const switches = ['log-to-file', 'log-to-syslog'].filter(name => invocation.has(name)).map(name => `--${name}`)
  const args = ['manager', ...configArgs(invocation), ...switches]
  return await runTrial({ ...lent, slot, runtimeDir, args, log: log.child('ota') })
}

/**
 * A new executable that does not speak the version of the old one ends before it does anything: the old one continues.
 *
 * @throws AgentError `NOT_SUPPORTED`
 */
function checkTrialVersion(): void {
  const version = trialVersion()
  if (version === undefined || speaks(version)) return
  const message = `This agent was started on trial in version ${version}, and it speaks ${versionsText(trialVersions)}.`
  const remedy = 'Nothing is lost: the agent that is in place continues.'
  throw new AgentError('NOT_SUPPORTED', message, { remedy, details: { version, ...trialVersions } })
}

/** The preflight of a new executable, before its trial run as the manager. This process has nothing open meanwhile. */
export async function preflightNewAgent(
  invocation: Invocation,
  parts: { readonly runtimeDir: string; readonly clock: Clock; readonly log: Log },
): Promise<void> {
  const { runtimeDir, clock, log } = parts
  const executable = ownExecutable()
  if (executable === undefined) return
  const { runPreflight } = await import('../../manager/ota/commands.ts')
  const slot = new AgentSlot({ executable, clock })
  await runPreflight({ slot, runtimeDir, args: configArgs(invocation), clock, log: log.child('ota') })
}

/** Where an update is, and why the configuration that says so cannot be trusted. */
async function configOf(
  invocation: Invocation,
): Promise<{ runtimeDir: string; logSettings: Settings; weak: ConfigProblem | undefined }> {
  const args = managerArgs(invocation)
  const environment = processEnvironment()
  const [client, own] = await Promise.all([
    loadClientConfig({ ...args, environment }),
    loadManagerConfig({ configDir: args.configDir, environment }),
  ])
  const { caBundleFile } = client.settings
  const weak = await ownershipProblem({ configDir: args.configDir, connection: client, manager: own, caBundleFile })
  return { runtimeDir: own.settings.runtimeDir, logSettings: logSettingsOf(client, weak !== undefined), weak }
}

/** The arguments that name the configuration. */
function configArgs(invocation: Invocation): readonly string[] {
  const flags = ['app-id', 'config-file'].flatMap(name => {
    const value = invocation.value(name)
    return value === undefined ? [] : [`--${name}`, value]
  })
  return [...flags, '--config-dir', managerArgs(invocation).configDir]
}
