// SPDX-License-Identifier: Apache-2.0
import { isJsonObject, type JsonObject } from '../base/json.ts'
import { type Capability, type Closure, capabilityOf, policySections } from './closure.ts'
import { lineOf } from './config-file.ts'
import type { TextPosition } from './json-locator.ts'
import { capabilitiesOf, meantPolicies, switchCapability } from './meant-policies.ts'
import type { Setting } from './setting.ts'
import type { ConfigNote, ConfigProblem } from './settings.ts'
import { closestName } from './suggestion.ts'
import { meaningOfSwitch } from './switches.ts'
import { settingsOf } from './table.ts'

/** A file, or settings that were handed in. */
export interface Document {
  /** Path of the file, or a {@link Giver}. */
  readonly path: string
  readonly value: JsonObject
  positionOf(key: string): TextPosition | undefined
}

/** Findings about the keys of a document. */
export interface KeyFindings {
  readonly notes: ConfigNote[]
  /** Mistakes that end the start. */
  readonly problems: ConfigProblem[]
  readonly closures: Closure[]
  /** Names of `actions_enabled` that may be actions of the owner. */
  readonly addedSwitches: string[]
}

/** Keys that the Python agent knew and that are no settings of the file they are in: no note is needed about them. */
const silent = new Set(['app_id', 'config_dir', 'config_file', 'device_id', 'key'])
/** Each is compared with all names, and a file with more of them is no configuration. */
const maxUnknownKeys = 1000
/** Characters of a key that are shown. */
const maxShown = 128
const fileNames = { connect: 'the connection file', iot: 'iot.cfg' }
const switches = 'actions_enabled'

/**
 * Classifies every key that is no setting. Old files have extra ones, so most of them get only a note; a key that the owner may
 * have meant as a policy closes the capability.
 */
export function findUnknownKeys(document: Document, file: Setting['file']): KeyFindings {
  const findings = { notes: [], problems: [], closures: [], addedSwitches: [] }
  new KeyWalk(document, file, findings).section('', document.value)
  return findings
}

class KeyWalk {
  readonly #document: Document
  readonly #file: Setting['file']
  readonly #findings: KeyFindings
  readonly #keys: readonly string[]
  readonly #sections: ReadonlySet<string>
  #unknown = 0

  constructor(document: Document, file: Setting['file'], findings: KeyFindings) {
    this.#document = document
    this.#file = file
    this.#findings = findings
    this.#keys = settingsOf(file).map(({ key }) => key)
    this.#sections = new Set(this.#keys.flatMap(sectionsOf))
  }

  section(above: string, members: JsonObject): void {
    for (const [name, value] of Object.entries(members)) this.#member(`${above}${name}`, value)
  }

  #member(key: string, value: unknown): void {
    if (this.#keys.includes(key) || silent.has(key)) return
    if (this.#sections.has(key)) this.#sectionMember(key, value)
    else if (++this.#unknown <= maxUnknownKeys) this.#unknownMember(key, value)
    else if (this.#unknown === maxUnknownKeys + 1) {
      const problem = {
        ...this.#at(key),
        problem: 'is one of too many keys that are no settings',
        remedy: 'Remove them.',
      }
      for (const capability of policySections) this.#findings.closures.push({ capability, problem })
    }
  }

  #sectionMember(key: string, value: unknown): void {
    if (isJsonObject(value)) {
      this.section(`${key}.`, value)
      return
    }
    const capability = capabilityOf(key)
    // An empty section counts as absent, as for the Python agent; in a policy the owner may have meant something else.
    if (capability === undefined && (value === null || value === '' || value === undefined)) return
    const remedy = `Write "${key}": { ... }.`
    const problem = { ...this.#at(key), problem: 'is not an object', expected: 'an object', remedy }
    if (capability === undefined) this.#findings.problems.push(problem)
    else this.#findings.closures.push({ capability, problem })
  }

  #unknownMember(key: string, value: unknown): void {
    const [section = key] = key.split('.', 1)
    const isOfPolicy = policySections.some(name => name === section)
    if (section === switches && this.#sections.has(section)) this.#switch(key)
    else if (isOfPolicy && !this.#sections.has(section)) this.#misplaced(key, value)
    else if (isOfPolicy) this.#close(capabilitiesOf(key, value), key, 'is not a setting', closestName(key, this.#keys))
    else this.#otherMember(key, value)
  }

  #otherMember(key: string, value: unknown): void {
    const { capabilities, didYouMean } = meantPolicies(key, value, [...this.#keys, ...this.#sections])
    if (capabilities.length === 0) this.#findings.notes.push(this.#note(key))
    else this.#close(capabilities, key, 'is not a setting', didYouMean)
  }

  #switch(key: string): void {
    const name = key.slice(switches.length + 1)
    const meaning = meaningOfSwitch(name)
    if (meaning.kind === 'added') this.#findings.addedSwitches.push(name)
    if (meaning.kind !== 'mistake') return
    const capability = switchCapability(meaning.meant)
    this.#close([capability], key, 'is not a switch', meaning.meant === '*' ? undefined : capability)
  }

  /** A policy in the wrong file, where it has no effect. */
  #misplaced(key: string, value: unknown): void {
    const place = fileNames[this.#file === 'iot' ? 'connect' : 'iot']
    const problem = {
      ...this.#at(key),
      problem: `has no effect in ${fileNames[this.#file]}`,
      remedy: `Move it to ${place}.`,
    }
    for (const capability of capabilitiesOf(key, value)) this.#findings.closures.push({ capability, problem })
  }

  #close(capabilities: readonly Capability[], key: string, what: string, didYouMean: string | undefined): void {
    const problem: ConfigProblem = {
      ...this.#at(key),
      problem: `${what}, and what it was meant to decide is closed`,
      remedy: 'Correct its name, or remove it.',
      didYouMean,
    }
    for (const capability of new Set(capabilities)) this.#findings.closures.push({ capability, problem })
  }

  #note(key: string): ConfigNote {
    const last = key.slice(key.indexOf('.') + 1)
    // "host" outside its section: the same last name is closer than any spelling.
    const sameName = this.#keys.find(known => known.endsWith(`.${last}`))
    const didYouMean = closestName(key, [...this.#keys, ...this.#sections]) ?? sameName
    return {
      level: 'warn',
      ...this.#at(key),
      problem: 'is not a setting, and has no effect',
      remedy: 'Remove it, or correct its name.',
      didYouMean,
    }
  }

  #at(key: string): { file: string; line?: number; column?: number; key: string } {
    return { file: this.#document.path, ...lineOf(this.#document.positionOf(key)), key: key.slice(0, maxShown) }
  }
}

/** `a.b.c` → `a`, `a.b`. */
function sectionsOf(key: string): readonly string[] {
  const names = key.split('.')
  return names.slice(1).map((_, index) => names.slice(0, index + 1).join('.'))
}
