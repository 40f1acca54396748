// SPDX-License-Identifier: Apache-2.0
/**
 * Bundles the agent and the local cloud into one script each, for tests that start them as processes: loading one script
 * takes a tenth of the second that five hundred sources take.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import * as esbuild from 'esbuild'
import { root } from '../places.ts'
import { bundleAgent } from './bundle.ts'

/** `variable` holds the path of a folder with these two scripts. */
export const testPrograms = {
  variable: 'DEVICE_CLOUD_TEST_PROGRAMS',
  agent: 'device-cloud.cjs',
  cloud: 'local-cloud.cjs',
} as const

/**
 * Writes both scripts, and a source map beside each, into a folder that is removed when this process exits, and resolves to its path. Throws a BuildError when
 * the agent cannot be bundled, and esbuild's error when the cloud cannot.
 */
export async function makeTestPrograms(): Promise<string> {
  const coverage = process.env.NODE_V8_COVERAGE
  const folder = coverage === undefined ? ownTempFolder() : await coveredPrograms(coverage)
  const agent = bundleAgent(undefined, { map: true }).then(async ({ code, map }) => {
    await writeFile(join(folder, testPrograms.agent), code)
    if (map !== undefined) await writeFile(join(folder, `${testPrograms.agent}.map`), map)
  })
  const cloud = esbuild.build({
    entryPoints: [join(root, 'src/cloud/main.ts')],
    outfile: join(folder, testPrograms.cloud),
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    logLevel: 'error',
    sourcemap: 'external',
    sourcesContent: false,
    plugins: [ownFolder],
  })
  await Promise.all([agent, cloud])
  return folder
}

/** Where a run leaves its scripts for the reader of its coverage: in the folder that Node writes the coverage to. */
export function programsOf(coverage: string): string {
  return join(coverage, 'programs')
}

async function coveredPrograms(coverage: string): Promise<string> {
  await mkdir(programsOf(coverage), { recursive: true })
  return programsOf(coverage)
}

function ownTempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'device-cloud-programs-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Replaces `import.meta.dirname`, so that a source finds the files in its folder also from a script elsewhere. */
const ownFolder: esbuild.Plugin = {
  name: 'own-folder',
  setup(build) {
    build.onLoad({ filter: /\/src\/cloud\/.*\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8')
      if (!text.includes('import.meta.dirname')) return undefined
      const folder = JSON.stringify(dirname(path))
      return { contents: text.replaceAll('import.meta.dirname', folder), loader: 'ts' }
    })
  },
}
