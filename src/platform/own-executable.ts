import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { basename } from 'node:path'
import { onFile } from './on-file.ts'

/** The single-file executable that this process runs; undefined when Node runs it from a script. */
export function ownExecutable(): string | undefined {
  return /^node/i.test(basename(process.execPath)) ? undefined : process.execPath
}

/** Whether this process may add and replace files in a folder. Throws `FILE_ACCESS` when not. */
export function checkWritable(folder: string): Promise<void> {
  return onFile('write to', folder, () => access(folder, constants.W_OK))
}
