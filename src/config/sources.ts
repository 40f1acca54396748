// SPDX-License-Identifier: Apache-2.0
import type { JsonObject } from '../base/json.ts'
import type { Environment } from '../platform/process/process-facts.ts'
import { capabilityOf } from './closure.ts'
import { type ConfigFile, lineOf } from './config-file.ts'
import type { Setting } from './setting.ts'
import type { ConfigProblem, Giver, Origin } from './settings.ts'
import { haveDifferences, valuesAt } from './spelling.ts'
import { environmentName } from './table.ts'
import type { ValueContext } from './value.ts'

/** A raw value as one source has it. */
export interface FoundValue {
  readonly raw: unknown
  /** The source has several different values, in different spellings of the key. */
  readonly isAmbiguous?: boolean
  readonly origin: Origin
  readonly context: ValueContext
  /** The place that a problem with the value names. */
  readonly where: Pick<ConfigProblem, 'file' | 'line' | 'column'>
}

/** Stands for the current folder, which is looked up only for a relative path: it may be gone. */
const hereFolder = ''

/** One source of values. */
export type Source = (setting: Setting) => FoundValue | undefined

/** Flags, or the settings that a program gives to a client, in the shape of the file. */
export function givenSource(settings: JsonObject, by: Giver): Source {
  return setting => {
    const given = givenIn(settings, setting)
    return (
      given && { ...given, origin: { source: 'given', by }, context: { baseFolder: hereFolder }, where: { file: by } }
    )
  }
}

export function environmentSource(environment: Environment): Source {
  return setting => {
    const name = environmentName(setting.key)
    const raw = environment[name]
    if (isUnset(setting, raw)) return undefined
    return {
      raw,
      origin: { source: 'environment', name },
      context: { baseFolder: hereFolder, fromEnvironment: true },
      where: { file: `environment variable ${name}` },
    }
  }
}

export function fileSource(file: ConfigFile): Source {
  return setting => {
    const given = givenIn(file.value, setting)
    if (given === undefined) return undefined
    const position = file.positionOf(setting.key)
    return {
      ...given,
      origin: { source: 'file', file: file.path, line: position?.line ?? 1 },
      context: { baseFolder: file.folder },
      where: { file: file.path, ...lineOf(position) },
    }
  }
}

/** The value that an object has for a setting, in any spelling of its key. */
function givenIn(object: JsonObject, setting: Setting): Pick<FoundValue, 'raw' | 'isAmbiguous'> | undefined {
  const values = valuesAt(object, setting.key).filter(value => !isUnset(setting, value))
  return values.length === 0 ? undefined : { raw: values[0], isAmbiguous: haveDifferences(values) }
}

/**
 * null and empty text mean "not set", as they did for the Python agent. In a setting that permits something, "not set" can be
 * the opposite of what the owner wanted: there they are mistakes.
 */
function isUnset({ key, type: { kind }, neverEmpty }: Setting, raw: unknown): boolean {
  const permits = capabilityOf(key) !== undefined && kind !== 'integer' && kind !== 'number'
  return raw === undefined || (!permits && !neverEmpty && (raw === null || raw === ''))
}
