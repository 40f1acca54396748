// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto'
import type { JsonObject } from '../../base/json.ts'
import type { Log } from '../../base/log.ts'
import type { Check } from '../checks/run-checks.ts'
import { askRunningManager, promptAnswerMs } from '../running-manager/ask-manager.ts'
import type { Invocation } from '../shell/command.ts'
import { ActionCounts, actionChecks } from './action-checks.ts'
import { cleanup } from './cleanup.ts'
import { Device } from './device.ts'
import { fileChecks } from './file-checks.ts'
import { endCheck, linkChecks, loginChecks } from './login-checks.ts'
import { managerChecks, managerLoginChecks, notCalled, restartCheck, uncalledActions } from './manager-checks.ts'
import type { ManagerContext } from './manager-context.ts'
import { ManagerFile } from './manager-file-checks.ts'
import { sampleChecks } from './sample-checks.ts'
import type { ValidationTarget } from './target.ts'
import { boundedCheck, notProven, type ValidationContext } from './validation-context.ts'

/** The checks of one run, and the thing that they are about. */
export interface Validation {
  readonly thingKey: string
  readonly checks: readonly Check[]
}

/** Checks the library with a new device of its own, which does all that an application can. */
export async function libraryValidation(
  target: ValidationTarget,
  parts: Omit<ValidationContext, 'device'>,
  log: Log,
): Promise<Validation> {
  const counts = new ActionCounts()
  const { settings, credentials } = target
  const device = await Device.make(`validate-${randomUUID()}`, { settings, log, prepare: counts.prepare })
  const context: ValidationContext = { ...parts, device }
  const globalName = `${device.thingKey}.bin`
  const checks = [
    ...loginChecks(credentials),
    ...linkChecks,
    ...sampleChecks,
    ...actionChecks(counts),
    ...fileChecks(globalName),
    endCheck,
  ]
  const last = cleanupCheck(async () => {
    const left = await cleanup(context, globalName)
    if (left.length > 0) throw notProven(`left behind: ${left.join('; ')}`)
    return 'nothing is left in the cloud and on this machine'
  })
  return { thingKey: device.thingKey, checks: [...checks.map(check => boundedCheck(check, context)), last] }
}

/** Checks a running device manager, on this machine or elsewhere. */
export async function managerValidation(
  target: ValidationTarget,
  parts: Omit<ManagerContext, 'publish'>,
  invocation: Invocation,
): Promise<Validation> {
  const context: ManagerContext = { ...parts, publish: await localPublish(invocation, parts.thingKey) }
  const file = new ManagerFile(`validate-${randomUUID()}.bin`)
  const restart = invocation.has('restart') ? restartCheck : notCalled('reset_agent', 'give --restart for that')
  const logins = managerLoginChecks(target.credentials)
  const checks = [...logins, ...managerChecks, ...file.checks, restart, ...uncalledActions]
  const last = cleanupCheck(() => file.remove(context))
  return { thingKey: parts.thingKey, checks: [...checks.map(check => boundedCheck(check, context)), last] }
}

/** Publishes through the local socket of the manager; undefined when the manager does not run on this machine. */
async function localPublish(invocation: Invocation, thingKey: string): Promise<ManagerContext['publish']> {
  const ask = (request: JsonObject) => askRunningManager(invocation, request, { timeoutMs: promptAnswerMs })
  const status = await ask({ do: 'status' }).catch(() => undefined)
  if (status?.thingKey !== thingKey) return undefined
  return (name, value) => ask({ do: 'publish', kind: 'telemetry', name, value })
}

/** It needs no other check, and it runs even after Ctrl-C. */
function cleanupCheck(run: () => Promise<string>): Check {
  return { name: 'clean-up', run }
}
