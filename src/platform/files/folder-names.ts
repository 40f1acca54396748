import type { OpenDirOptions } from 'node:fs'
import { opendir } from 'node:fs/promises'
import { nameOf, pathBytes } from './name-bytes.ts'

/** The types of Node know names of bytes from readdir only, which takes all of a folder into memory at once. */
const asBytes: OpenDirOptions = { encoding: 'buffer' as BufferEncoding }

/** The names in a folder, in the order of the file system; those that are no UTF-8 too. Throws errors of the system. */
export async function* namesOf(folder: string): AsyncGenerator<string> {
  const entries: AsyncIterable<{ readonly name: string | Buffer }> = await opendir(pathBytes(folder), asBytes)
  for await (const { name } of entries) yield typeof name === 'string' ? name : nameOf(name)
}

/** As {@link namesOf}, all at once; undefined when there are more than `most`. */
export async function fewNamesOf(folder: string, most: number): Promise<string[] | undefined> {
  const names: string[] = []
  for await (const name of namesOf(folder)) {
    if (names.length >= most) return undefined
    names.push(name)
  }
  return names
}
