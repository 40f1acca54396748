// SPDX-License-Identifier: Apache-2.0
import type { OpenDirOptions } from 'node:fs'
import { opendir } from 'node:fs/promises'
import { nameOf, pathBytes } from './name-bytes.ts'

/** Node's types have names as bytes for readdir only, which reads a whole folder into memory at once. */
const asBytes: OpenDirOptions = { encoding: 'buffer' as BufferEncoding }

/** The names in a folder, in the order of the file system, also those that are not UTF-8. Throws errors of the system. */
export async function* namesOf(folder: string): AsyncGenerator<string> {
  const entries: AsyncIterable<{ readonly name: string | Buffer }> = await opendir(pathBytes(folder), asBytes)
  for await (const { name } of entries) yield typeof name === 'string' ? name : nameOf(name)
}

/** As {@link namesOf}, all at once; undefined when there are more than `max`. */
export async function fewNamesOf(folder: string, max: number): Promise<string[] | undefined> {
  const names: string[] = []
  for await (const name of namesOf(folder)) {
    if (names.length >= max) return undefined
    names.push(name)
  }
  return names
}
