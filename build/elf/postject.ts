// SPDX-License-Identifier: Apache-2.0
/** The injector of `--injector postject`. Its result must not be stripped again, and may not start on old kernels. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { runProgram } from '../run-program.ts'
import { seaFuse, seaNoteName } from './elf-injector.ts'

/** `node` with `blob` in it, as postject does it. */
export async function injectWithPostject(node: Uint8Array, blob: Uint8Array): Promise<Uint8Array> {
  const cli = join(dirname(createRequire(import.meta.url).resolve('postject')), 'cli.js')
  const folder = await mkdtemp(join(tmpdir(), 'device-cloud-postject-'))
  try {
    const [executable, blobFile] = [join(folder, 'executable'), join(folder, 'blob')]
    await writeFile(executable, node)
    await writeFile(blobFile, blob)
    await runProgram(process.execPath, [cli, executable, seaNoteName, blobFile, '--sentinel-fuse', seaFuse])
    return await readFile(executable)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
