// SPDX-License-Identifier: Apache-2.0
import type { Environment } from '../platform/process/process-facts.ts'
import { type Capability, type Closure, capabilityOf, policySections } from './closure.ts'
import { policiesOfVariable } from './meant-policies.ts'
import type { Setting } from './setting.ts'
import type { ConfigNote, ConfigProblem } from './settings.ts'
import { closestName } from './suggestion.ts'
import { meaningOfSwitch } from './switches.ts'
import { environmentName } from './table.ts'

const prefix = 'DEVICE_CLOUD_'
/** The ways in which people write the prefix. */
const prefixes = /^device[_-]?cloud[_-]?/i
/** Each is compared with all names. */
const maxVariables = 1000
/** Characters of a name that are shown. */
const maxShown = 128

/** Findings about the environment variables. */
export interface VariableFindings {
  readonly notes: readonly ConfigNote[]
  readonly closures: readonly Closure[]
}

/**
 * A note for every environment variable that looks like a misspelt setting; a variable that looks like a policy closes what it
 * was meant to decide. Other variables that begin with `DEVICE_CLOUD_` may belong to the owner's scripts.
 *
 * @param settings the rows that the environment may set
 */
export function findUnknownVariables(environment: Environment, settings: readonly Setting[]): VariableFindings {
  const notes: ConfigNote[] = []
  const closures: Closure[] = []
  const settable = settings.filter(({ type }) => type.kind !== 'services')
  const known = new Map(settable.map(({ key }) => [environmentName(key), key]))
  const tails = [...known.keys()].map(name => name.slice(prefix.length))
  const names = Object.keys(environment).filter(name => prefixes.test(name) && !known.has(name))
  for (const written of names.slice(0, maxVariables)) {
    // Its name with the right prefix and case.
    const name = `${prefix}${written.replace(prefixes, '').toUpperCase()}`
    const listOnly = settings.find(({ key, type }) => type.kind === 'services' && environmentName(key) === name)
    if (listOnly !== undefined) {
      const problem = 'has no effect: a list of services cannot come from the environment'
      notes.push({
        level: 'warn',
        file: 'environment',
        key: written,
        problem,
        remedy: `Write ${listOnly.key} in iot.cfg.`,
      })
      continue
    }
    // Without the common prefix, which would make any short name look close.
    const nearest = closestName(name.slice(prefix.length), tails)
    const didYouMean = nearest === undefined ? undefined : `${prefix}${nearest}`
    const meant = didYouMean === undefined ? undefined : known.get(didYouMean)
    const capabilities = capabilitiesOfVariable(name, meant)
    for (const capability of capabilities) closures.push({ capability, problem: mistake(written, didYouMean) })
    if (capabilities.length > 0) continue
    if (didYouMean !== undefined) {
      const problem = 'is not a setting, and has no effect'
      notes.push({ level: 'warn', file: 'environment', key: written, problem, remedy: 'Correct its name.', didYouMean })
    }
  }
  return { notes, closures }
}

/** @param meant the setting that the name is close to */
function capabilitiesOfVariable(name: string, meant: string | undefined): readonly Capability[] {
  const own = capabilityOfVariable(name) ?? (meant === undefined ? undefined : capabilityOf(meant))
  if (own !== undefined) return [own]
  return meant === undefined ? policiesOfVariable(name.slice(prefix.length)) : []
}

/** The capability that a variable was meant to decide, by its section; undefined when its section is no policy. */
function capabilityOfVariable(name: string): Capability | undefined {
  const section = policySections.find(
    one => name === environmentName(one) || name.startsWith(`${environmentName(one)}_`),
  )
  if (section !== 'actions_enabled') return section
  const action = name
    .slice(environmentName(section).length + 1)
    .slice(0, maxShown)
    .toLowerCase()
  const meaning = meaningOfSwitch(action)
  const meant = meaning.kind === 'mistake' ? meaning.meant : action
  return meant === '*' ? section : `${section}.${meant}`
}

function mistake(name: string, didYouMean: string | undefined): ConfigProblem {
  return {
    file: 'environment',
    key: name.slice(0, maxShown),
    problem: 'is not a setting, and what it was meant to decide is closed',
    remedy: 'Correct its name, or write the setting into the file.',
    didYouMean,
  }
}
