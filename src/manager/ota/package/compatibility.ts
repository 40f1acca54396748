// SPDX-License-Identifier: Apache-2.0
import type { DeviceFacts } from '../../../platform/system/device-facts.ts'

const factOf: Readonly<Record<string, keyof DeviceFacts>> = {
  os_version: 'osVersion',
  mfg_vendor_id: 'vendor',
  mfg_device_id: 'device',
  model_name: 'model',
  serial: 'serial',
  architecture: 'architecture',
}

/**
 * Why a package is not for this device; undefined when it is. A rule holds when one of its texts fits the device:
 * the same text in any case, `*` for anything, a `*` at the end for any end. `os_version` is a CPE 2.3 name [TR50 7.3].
 */
export function incompatibility(rules: ReadonlyMap<string, readonly string[]>, facts: DeviceFacts): string | undefined {
  for (const [key, wanted] of rules) {
    const name = factOf[key]
    if (name === undefined) return `it asks for ${JSON.stringify(key)}, which this agent does not know`
    const own = facts[name]
    const fits = key === 'os_version' ? fitsCpe : fitsText
    if (wanted.some(rule => rule === '*' || own.some(fact => fits(rule, fact)))) continue
    const is = own.length === 0 ? 'the device reports none' : `the device has ${own.join(' or ')}`
    return `it is for ${key} ${wanted.join(' or ')}, and ${is}`
  }
  return undefined
}

function fitsText(rule: string, fact: string): boolean {
  const [wanted, is] = [rule.toLowerCase(), fact.toLowerCase()]
  return wanted.endsWith('*') ? is.startsWith(wanted.slice(0, -1)) : wanted === is
}

/** Part, vendor, product and version; the rest of a CPE name says nothing about an operating system. */
function fitsCpe(rule: string, fact: string): boolean {
  const [wanted, is] = [cpeParts(rule), cpeParts(fact)]
  if (wanted === undefined || is === undefined) return fitsText(rule, fact)
  return wanted.every(
    (part, at) => part === '' || part === '*' || part === '-' || is[at] === '*' || fitsText(part, is[at] ?? ''),
  )
}

function cpeParts(name: string): string[] | undefined {
  if (!name.toLowerCase().startsWith('cpe:2.3:')) return undefined
  const parts = name.split(/(?<!\\):/).map(part => part.replace(/\\(.)/g, '$1'))
  return [2, 3, 4, 5].map(at => parts[at] ?? '*')
}
