import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onFile } from './on-file.ts'

/** A new folder for this user alone, where the system keeps what is temporary. Whoever asks for it removes it. */
export function makeTemporaryFolder(): Promise<string> {
  const folder = tmpdir()
  return onFile('make a folder in', folder, () => mkdtemp(join(folder, 'device-cloud-')))
}
