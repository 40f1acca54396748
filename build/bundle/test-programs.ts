/**
 * The agent and the local cloud as one script each, for the tests that start them as processes: what is started from
 * its five hundred sources spends a second on loading them, a script a tenth of that.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import * as esbuild from 'esbuild'
import { root } from '../places.ts'
import { bundleAgent } from './bundle.ts'

/** The names of the scripts in the folder that the variable names. */
export const testPrograms = {
  variable: 'DEVICE_CLOUD_TEST_PROGRAMS',
  agent: 'device-cloud.cjs',
  cloud: 'local-cloud.cjs',
} as const

/**
 * Writes both scripts into a folder that goes with this process, and resolves to it. Throws a BuildError when the agent cannot be
 * bundled, esbuild's error for the cloud.
 */
export async function makeTestPrograms(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'device-cloud-programs-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  const agent = bundleAgent().then(({ code }) => writeFile(join(folder, testPrograms.agent), code))
  const cloud = esbuild.build({
    entryPoints: [join(root, 'src/cloud/main.ts')],
    outfile: join(folder, testPrograms.cloud),
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    logLevel: 'error',
    plugins: [ownFolder],
  })
  await Promise.all([agent, cloud])
  return folder
}

/** A source finds the files beside it by `import.meta.dirname`, also when it has become a part of a script elsewhere. */
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
