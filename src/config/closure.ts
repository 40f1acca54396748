// SPDX-License-Identifier: Apache-2.0
import type { ConfigProblem } from './settings.ts'

/**
 * Something that the cloud may do with this device if the owner's settings permit it. `actions_enabled` alone stands for every
 * switch of that section.
 */
export type Capability =
  | 'ota'
  | 'file_transfer'
  | 'remote_access'
  /** File actions by absolute path; file actions in the runtime folder stay open. */
  | 'absolute_paths'
  /** The programs that iot.cfg names. */
  | 'service_commands'
  | 'actions_enabled'
  | `actions_enabled.${string}`

/** A capability that is closed because its policy has a mistake: a policy that cannot be read permits nothing. */
export interface Closure {
  readonly capability: Capability
  readonly problem: ConfigProblem
}

/** The sections that only restrict what the cloud may do: where one is misspelt, more is open than the owner believes. */
export const policySections = ['ota', 'file_transfer', 'remote_access', 'actions_enabled'] as const

const capabilityOfSection: Readonly<Record<string, Capability>> = {
  ota: 'ota',
  file_transfer: 'file_transfer',
  remote_access: 'remote_access',
  remote_access_support: 'remote_access',
}

/** The capability that a mistake in this setting, or below it, closes; undefined where a mistake ends the start. */
export function capabilityOf(key: string): Capability | undefined {
  const dot = key.indexOf('.')
  const section = dot < 0 ? key : key.slice(0, dot)
  if (section === 'actions_enabled') return dot < 0 ? section : `actions_enabled.${key.slice(dot + 1)}`
  return Object.hasOwn(capabilityOfSection, section) ? capabilityOfSection[section] : undefined
}

/** Whether a capability is a switch of `actions_enabled`, or all of them. */
export function isSwitch(capability: Capability): boolean {
  return capability === 'actions_enabled' || capability.startsWith('actions_enabled.')
}

/** Divides mistakes into those that close a capability and those that end the start. */
export function partProblems(problems: readonly ConfigProblem[]): {
  readonly fatal: ConfigProblem[]
  readonly closures: Closure[]
} {
  const fatal: ConfigProblem[] = []
  const closures: Closure[] = []
  for (const problem of problems) {
    const capability = problem.key === undefined ? undefined : capabilityOf(problem.key)
    if (capability === undefined) fatal.push(problem)
    else closures.push({ capability, problem })
  }
  return { fatal, closures }
}

/** Why a capability is closed; undefined when it is not. */
export function closureOf(closures: readonly Closure[], capability: Capability): Closure | undefined {
  const name = comparable(capability)
  const all = isSwitch(capability) ? 'actions_enabled' : capability
  return closures.find(({ capability: closed }) => comparable(closed) === name || closed === all)
}

/** A name without case and signs, which an environment variable does not keep. */
function comparable(capability: Capability): string {
  return capability.toLowerCase().replaceAll(/[^a-z0-9]/g, '_')
}
