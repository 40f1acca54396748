// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path'
import { isJsonObject } from '../base/json.ts'
import { type ConfigFile, lineOf, readConfigFile } from './config-file.ts'
import type { ConfigNote, ConfigProblem } from './settings.ts'
import { configError } from './values.ts'

/** `attributes.cfg`: the attributes that the device manager publishes at start besides the facts of the machine. */
export interface AttributesFile {
  readonly attributes: readonly { readonly name: string; readonly text: string }[]
  readonly warnings: readonly ConfigNote[]
  /** Absolute path, whether the file exists or not. */
  readonly path: string
}

/** Reads `attributes.cfg` of the configuration folder; without one there are no attributes. Throws `CONFIG_INVALID` with every mistake. */
export async function loadAttributesFile(request: { readonly configDir: string }): Promise<AttributesFile> {
  const path = resolve(request.configDir, 'attributes.cfg')
  const { file, problems, notes } = await readConfigFile(path)
  if (problems.length > 0) throw configError(problems, undefined, notes)
  if (file === undefined) return { attributes: [], warnings: notes, path }
  const read = readAttributes(file)
  if (read.problems.length > 0) throw configError(read.problems, undefined, [...notes, ...read.notes])
  return { attributes: read.attributes, warnings: [...notes, ...read.notes], path }
}

function readAttributes(file: ConfigFile) {
  const attributes: { name: string; text: string }[] = []
  const problems: ConfigProblem[] = []
  const notes: ConfigNote[] = []
  const section = file.value.publish_attribute
  const at = (key: string) => ({ file: file.path, ...lineOf(file.positionOf(key)), key })
  for (const key of Object.keys(file.value)) {
    if (key === 'publish_attribute') continue
    const didYouMean = section === undefined ? 'publish_attribute' : undefined
    const problem = 'is not a setting, and has no effect'
    notes.push({
      level: 'warn',
      ...at(key),
      problem,
      remedy: 'Put attributes into "publish_attribute".',
      didYouMean,
    })
  }
  if (section === undefined || section === null) return { attributes, problems, notes }
  if (!isJsonObject(section)) {
    const expected = 'an object of names and texts'
    problems.push({ ...at('publish_attribute'), problem: 'is not an object', expected, remedy: `Write ${expected}.` })
    return { attributes, problems, notes }
  }
  for (const [name, value] of Object.entries(section)) {
    const key = `publish_attribute.${name}`
    if (value === null || value === undefined) continue
    if (typeof value === 'object') {
      problems.push({ ...at(key), problem: 'is not a text', expected: 'a text', remedy: 'Write a text.' })
      continue
    }
    if (!/^[\w-]+$/.test(name)) {
      const problem = 'has characters other than letters, digits, "_" and "-"'
      notes.push({ level: 'warn', ...at(key), problem, remedy: 'The cloud may refuse the name: choose another one.' })
    }
    attributes.push({ name, text: String(value) })
  }
  return { attributes, problems, notes }
}
