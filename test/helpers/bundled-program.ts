// SPDX-License-Identifier: Apache-2.0
import { join, resolve } from 'node:path'
import type { TestContext } from 'node:test'
import { build } from 'esbuild'
import { tempDir } from './temp-dir.ts'

/** A program of test/ as one script that plain Node runs, so that its life is spent on its work and not on loading. */
export async function bundledProgram(t: TestContext, path: string): Promise<string> {
  const outfile = join(tempDir(t), 'program.mjs')
  await build({
    entryPoints: [resolve(import.meta.dirname, '..', path)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'error',
    banner: { js: "import{createRequire as r}from'node:module';const require=r(import.meta.url);" },
  })
  return outfile
}
