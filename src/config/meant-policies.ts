// SPDX-License-Identifier: Apache-2.0
import { isJsonObject } from '../base/json.ts'
import { type Capability, capabilityOf, policySections } from './closure.ts'
import { closestName } from './suggestion.ts'
import { isKnownSwitch, meaningOfSwitch } from './switches.ts'
import { settingsTable } from './table.ts'

/** What the author of a key that is no setting meant to decide. */
export interface MeantPolicies {
  readonly capabilities: readonly Capability[]
  readonly didYouMean?: string | undefined
}

const switches = 'actions_enabled'
/** Characters of the name of an action that are shown. */
const maxShown = 128

const policyKeys = settingsTable
  .filter(({ key, type }) => capabilityOf(key) !== undefined && type.kind !== 'services')
  .map(({ key }) => key)
/** Names that mean a policy in any section; `names` or `max_bytes` may have another meaning. */
const telling = ['require_signature', 'public_keys', 'relay_hosts']
const tellingOfAny = [...telling, 'allow']
/** No policy, but its name is close to one. */
const services = 'remote_access_support'

/**
 * The policies that a key of a file may stand for: misspelt, in another case, without the name of its section, in an unknown
 * section, or one brace too deep.
 *
 * @param key dotted, and no setting of the file
 * @param known the settings and sections of the file
 */
export function meantPolicies(key: string, value: unknown, known: readonly string[]): MeantPolicies {
  const keys = meantKeys(key, known)
  const own = keys.flatMap(one => capabilitiesOf(one, value))
  // A section that was recognised closes everything in it anyway.
  const isSection = keys.some(one => policySections.some(section => section === one))
  const capabilities = isSection ? own : [...own, ...hiddenPolicies(value)]
  const [didYouMean] = keys
  return { capabilities, didYouMean }
}

/** The policies that a name stands for, regardless of its value. */
function meantKeys(key: string, known: readonly string[]): readonly string[] {
  const own = sameLastName(key).filter(one => known.includes(one))
  if (own.length > 0) return own
  const section = policySections.find(one => plain(lastName(key)) === plain(one))
  if (section !== undefined) return [section]
  const nearest = closestName(key, [...policySections, ...policyKeys, ...known, services])
  if (nearest !== undefined) return isPolicy(nearest) ? [nearest] : []
  const near = nearTelling(key)
  if (near !== undefined) return sameLastName(near)
  const begins = policySections.find(one => beginsWith(key, one))
  if (begins !== undefined) return [begins]
  const [first = ''] = key.split('.', 1)
  if (first === key) return sameLastName(key)
  const meant = closestName(first, [...policySections, ...known])
  return meant !== undefined && isPolicy(meant) ? [meant] : []
}

/** The policies that an environment variable with a wrong section, or without one, stands for: `REQUIRE_SIGNATURE`. */
export function policiesOfVariable(name: string): readonly Capability[] {
  const near = nearTelling(name)
  const keys = policyKeys.filter(key => {
    const last = lastName(key)
    if (last === near) return true
    if (!tellingOfAny.includes(last) && !key.startsWith(`${switches}.`)) return false
    return `_${name}`.endsWith(`_${last.toUpperCase()}`)
  })
  return [...new Set(keys.flatMap(key => capabilitiesOf(key, undefined)))]
}

/** The capabilities that a policy closes; for the section of switches, those that it names. */
export function capabilitiesOf(key: string, value: unknown): readonly Capability[] {
  const names = key === switches && isJsonObject(value) ? Object.keys(value) : []
  const capability = capabilityOf(key)
  if (names.length === 0) return capability === undefined ? [] : [capability]
  return names.map(name => {
    const meaning = meaningOfSwitch(name)
    return switchCapability(meaning.kind === 'mistake' ? meaning.meant : name)
  })
}

/** `*` stands for all switches. */
export function switchCapability(name: string): Capability {
  return name === '*' ? switches : `${switches}.${name.slice(0, maxShown)}`
}

/** The policies somewhere in a value that is not read. */
function hiddenPolicies(value: unknown): readonly Capability[] {
  const found = new Set<Capability>()
  // The value is of a file, which is bounded in size and depth.
  const left = [value]
  for (let one = left.pop(); one !== undefined; one = left.pop()) {
    if (Array.isArray(one)) left.push(...one.filter(isContainer))
    else if (isJsonObject(one))
      for (const [name, member] of Object.entries(one)) {
        const capabilities = hiddenIn(name, member)
        for (const capability of capabilities) found.add(capability)
        // A member that was recognised as a whole is not searched.
        if (capabilities.length === 0 && isContainer(member)) left.push(member)
      }
  }
  return [...found]
}

function hiddenIn(name: string, value: unknown): readonly Capability[] {
  const parts = name.split('.').map(plain)
  const section = policySections.find(one => parts.includes(plain(one)))
  if (section !== undefined) return capabilitiesOf(section, value)
  const last = lastName(name)
  if (isKnownSwitch(last)) return [switchCapability(last)]
  const near = tellingOfAny.find(one => plain(one) === plain(last)) ?? nearTelling(last)
  return near === undefined ? [] : sameLastName(near).flatMap(key => capabilitiesOf(key, undefined))
}

/** The telling name that a key is close to: `publicKeys` and `public_key` → `public_keys`. */
function nearTelling(key: string): string | undefined {
  const last = plain(lastName(key))
  const near = telling.filter(one => Math.abs(plain(one).length - last.length) <= 3)
  const found = closestName(last, near.map(plain))
  return found === undefined ? undefined : telling.find(one => plain(one) === found)
}

/** `require_signature` and `cloud.requireSignature` → `ota.require_signature`. */
function sameLastName(key: string): readonly string[] {
  const last = plain(lastName(key))
  return last === '' ? [] : policyKeys.filter(known => plain(lastName(known)) === last)
}

function isPolicy(name: string): boolean {
  return policyKeys.includes(name) || policySections.some(section => section === name)
}

/** `ota_settings`, `otaPolicy`, `OTA-x`; not `otaku`. */
function beginsWith(key: string, section: string): boolean {
  const rest = key.slice(section.length)
  return key.slice(0, section.length).toLowerCase() === section && /^[^a-z]/.test(rest)
}

function lastName(key: string): string {
  return key.slice(key.lastIndexOf('.') + 1)
}

/** A name without the differences that a cursory reader misses: case, signs and invisible characters. */
function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
}

function isContainer(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}
