// SPDX-License-Identifier: Apache-2.0
import { messageOf } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json.ts'
import { readFirstLines } from '../../platform/files/read-part.ts'

/** One file of the archive. */
export interface Part {
  /** Its name in the archive. */
  readonly name: string
  /** What it shows, in a few words. */
  readonly about: string
  /** Resolves to its content. An error is noted as the reason why the part is missing. */
  gather(): Promise<string>
}

/** Facts as indented JSON, readable for people and programs. */
export function jsonText(facts: JsonObject): string {
  return `${JSON.stringify(facts, null, 2)}\n`
}

const maxSectionBytes = 32 * 1024

/** The texts of several system files, each under its name. In place of an unreadable one stands the reason. */
export async function fileSections(paths: readonly string[]): Promise<string> {
  const sections: string[] = []
  for (const path of paths) sections.push(section(path, await sectionText(path)))
  return sections.join('\n')
}

/** A text under a heading. */
export function section(heading: string, text: string): string {
  return `=== ${heading}\n${text.endsWith('\n') || text === '' ? text : `${text}\n`}`
}

async function sectionText(path: string): Promise<string> {
  try {
    const { text, isCut } = await readFirstLines(path, maxSectionBytes)
    return isCut ? `${text}(cut here)\n` : text
  } catch (error) {
    return `(${messageOf(error)})\n`
  }
}
