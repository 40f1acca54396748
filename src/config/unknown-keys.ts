import { isJsonObject } from '../base/json.ts'
import type { Environment } from '../platform/process-facts.ts'
import { type ConfigFile, lineOf } from './config-file.ts'
import type { Setting } from './setting.ts'
import type { ConfigNote, ConfigProblem } from './settings.ts'
import { closestName } from './suggestion.ts'
import { environmentName, settingsTable } from './table.ts'

/** Keys that the Python agent knew and that are not settings of the file they stand in; nobody needs to hear about them. */
const silent = new Set(['app_id', 'config_dir', 'config_file', 'device_id', 'key'])

/** A note for every key that means nothing (old files carry extra ones, so it is never an error); a problem for a section that is none. */
export function findUnknownKeys(
  file: ConfigFile,
  settings: readonly Setting[],
): { notes: ConfigNote[]; problems: ConfigProblem[] } {
  const notes: ConfigNote[] = []
  const problems: ConfigProblem[] = []
  const keys = settings.map(setting => setting.key)
  const sections = new Set(keys.filter(key => key.includes('.')).map(sectionOf))
  for (const [name, value] of Object.entries(file.value)) {
    if (keys.includes(name) || silent.has(name)) continue
    if (!sections.has(name)) notes.push(unknown(file, name, [...keys, ...sections]))
    else if (isJsonObject(value)) {
      for (const inner of Object.keys(value)) {
        const key = `${name}.${inner}`
        if (!keys.includes(key)) notes.push(unknown(file, key, keys))
      }
    } else if (value !== null && value !== '') {
      problems.push({
        file: file.path,
        ...lineOf(file.placeOf(name)),
        key: name,
        problem: 'is not an object',
        expected: 'an object',
        remedy: `Write "${name}": { ... }.`,
      })
    }
  }
  return { notes, problems }
}

function unknown(file: ConfigFile, key: string, keys: readonly string[]): ConfigNote {
  const last = key.slice(key.indexOf('.') + 1)
  // "host" at the top belongs into a section: the same last name is closer than any spelling.
  const sameName = keys.find(known => known.endsWith(`.${last}`))
  const didYouMean = closestName(key, keys) ?? sameName
  return {
    level: 'warn',
    file: file.path,
    ...lineOf(file.placeOf(key)),
    key,
    problem: 'is not a setting, and has no effect',
    remedy: 'Remove it, or correct its name.',
    ...(didYouMean === undefined ? {} : { didYouMean }),
  }
}

function sectionOf(key: string): string {
  return key.slice(0, key.indexOf('.'))
}

/**
 * A note for every environment variable that looks like a misspelt setting. Others that begin with `DEVICE_CLOUD_` may belong to the
 * user's own scripts.
 */
export function findUnknownVariables(environment: Environment): ConfigNote[] {
  const known = settingsTable.filter(({ type }) => type.kind !== 'services').map(({ key }) => environmentName(key))
  return Object.keys(environment)
    .filter(name => name.startsWith('DEVICE_CLOUD_') && !known.includes(name))
    .flatMap((name): ConfigNote[] => {
      const listOnly = settingsTable.find(({ key, type }) => type.kind === 'services' && environmentName(key) === name)
      if (listOnly !== undefined) {
        const problem = 'has no effect: a list of services cannot come from the environment'
        return [{ level: 'warn', file: 'environment', key: name, problem, remedy: `Write ${listOnly.key} in iot.cfg.` }]
      }
      const didYouMean = closestName(name, known)
      if (didYouMean === undefined) return []
      const problem = 'is not a setting, and has no effect'
      return [{ level: 'warn', file: 'environment', key: name, problem, remedy: 'Correct its name.', didYouMean }]
    })
}
