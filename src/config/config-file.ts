// SPDX-License-Identifier: Apache-2.0
import { dirname } from 'node:path'
import { AgentError, errnoOf } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import { type FileFacts, fileFacts, othersCanRead } from '../platform/files/file-facts.ts'
import { readBoundedText } from '../platform/files/read-file.ts'
import { shellWord } from '../platform/owners/weak-spots.ts'
import { capabilityOf } from './closure.ts'
import { locateJson, type TextPosition } from './json-locator.ts'
import type { ConfigNote, ConfigProblem } from './settings.ts'

/** A configuration file that is JSON; its values are not checked yet. */
export interface ConfigFile {
  readonly path: string
  /** Folder at which its relative paths start. */
  readonly folder: string
  readonly value: JsonObject
  positionOf(key: string): TextPosition | undefined
}

/** The outcome of reading a configuration file: the file, or none (absent or broken), with problems and notes. Without a file every problem ends the start. */
export interface ConfigFileRead {
  readonly file?: ConfigFile | undefined
  readonly exists: boolean
  /** The very file that was read, from its descriptor. */
  readonly opened?: FileFacts | undefined
  /** Of an absent file: a part of its path is a file where a folder should be. */
  readonly isUnderFile?: boolean
  readonly problems: readonly ConfigProblem[]
  readonly notes: readonly ConfigNote[]
}

const maxFileBytes = 1024 * 1024

/** Reads one configuration file. An absent one is no problem here: the caller knows whether it is needed. Never throws for its content. */
export async function readConfigFile(path: string, options: { secret?: boolean } = {}): Promise<ConfigFileRead> {
  let text: string
  let opened: FileFacts | undefined
  try {
    text = await readBoundedText(path, maxFileBytes, facts => {
      opened = facts
    })
  } catch (error) {
    if (!(error instanceof AgentError)) throw error
    const isUnderFile = errnoOf(error.cause) === 'ENOTDIR'
    if (error.code === 'FILE_NOT_FOUND') return { exists: false, isUnderFile, problems: [], notes: [] }
    const remedy = 'Make it a regular file of at most 1 MiB that the user of the agent may read.'
    return { exists: true, problems: [{ file: path, problem: error.message, remedy }], notes: [] }
  }
  const notes = options.secret ? await notesOnMode(path) : []
  const located = locateJson(text)
  if (!located.ok) {
    const { position, problem, remedy } = located
    const problems = [{ file: path, ...position, problem: `the file ${problem}`, remedy }]
    return { exists: true, opened, problems, notes }
  }
  const positionOf = (key: string) => located.positions.get(key)
  const problems: ConfigProblem[] = []
  for (const { path: key, differs } of located.repeated) {
    const at = { file: path, ...lineOf(positionOf(key)), key, remedy: 'Remove one of them.' }
    // The agent cannot know which of two policies the owner means.
    if (differs && capabilityOf(key) !== undefined)
      problems.push({ ...at, problem: 'is in the file twice, with different values' })
    else notes.push({ ...at, level: 'warn', problem: 'is in the file twice; the last one counts' })
  }
  const file: ConfigFile = { path, folder: dirname(path), value: located.value, positionOf }
  return { file, exists: true, opened, problems, notes }
}

/** A position as optional members of a problem or note. */
export function lineOf(position: TextPosition | undefined): { line?: number; column?: number } {
  return position === undefined ? {} : { line: position.line, column: position.column }
}

async function notesOnMode(path: string): Promise<ConfigNote[]> {
  const facts = await fileFacts(path)
  if (facts === undefined || !othersCanRead(facts)) return []
  const mode = facts.mode.toString(8).padStart(4, '0')
  return [
    {
      level: 'warn',
      file: path,
      problem: `holds secrets, and other users can read it (mode ${mode})`,
      remedy: `Run: chmod 600 ${shellWord(path)}`,
    },
  ]
}
