import { isJsonObject, type JsonObject } from '../base/json.ts'
import { currentFolder, type Environment } from '../platform/process-facts.ts'
import { type ConfigFile, lineOf } from './config-file.ts'
import type { Setting } from './setting.ts'
import type { ConfigProblem, Origin } from './settings.ts'
import { environmentName } from './table.ts'
import type { ValueContext } from './value.ts'

/** A raw value as one source has it. */
export interface Found {
  readonly raw: unknown
  readonly origin: Origin
  readonly context: ValueContext
  /** Where to point when the value is wrong. */
  readonly where: Pick<ConfigProblem, 'file' | 'line' | 'column'>
}

/** One place that values come from. */
export type Source = (setting: Setting) => Found | undefined

/** Flags, or the settings that a program hands to the library: shaped as the file. */
export function flagSource(settings: JsonObject): Source {
  return setting => {
    const raw = memberOf(settings, setting.key)
    if (isUnset(raw)) return undefined
    const where = { file: 'command line' }
    return { raw, origin: { source: 'flag' }, context: { baseFolder: currentFolder() }, where }
  }
}

export function environmentSource(environment: Environment): Source {
  return setting => {
    const name = environmentName(setting.key)
    const raw = environment[name]
    if (isUnset(raw)) return undefined
    return {
      raw,
      origin: { source: 'environment', name },
      context: { baseFolder: currentFolder(), fromEnvironment: true },
      where: { file: `environment variable ${name}` },
    }
  }
}

export function fileSource(file: ConfigFile): Source {
  return setting => {
    const raw = memberOf(file.value, setting.key)
    if (isUnset(raw)) return undefined
    const place = file.placeOf(setting.key)
    return {
      raw,
      origin: { source: 'file', file: file.path, line: place?.line ?? 1 },
      context: { baseFolder: file.folder },
      where: { file: file.path, ...lineOf(place) },
    }
  }
}

/** null and empty text mean "not set", as they did for the Python agent. */
function isUnset(raw: unknown): boolean {
  return raw === undefined || raw === null || raw === ''
}

function memberOf(object: JsonObject, key: string): unknown {
  let at: unknown = object
  for (const name of key.split('.')) {
    if (!isJsonObject(at) || !Object.hasOwn(at, name)) return undefined
    at = at[name]
  }
  return at
}
