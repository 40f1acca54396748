import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onFile } from './on-file.ts'

/** A new folder for this user alone, in the temporary folder of the system. The caller removes it. */
export function makeTemporaryFolder(): Promise<string> {
  const folder = tmpdir()
  return onFile('make a folder in', folder, () => mkdtemp(join(folder, 'device-cloud-')))
}
