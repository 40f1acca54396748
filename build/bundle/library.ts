// SPDX-License-Identifier: Apache-2.0
/**
 * Builds the library: dist/index.js (ESM), dist/index.cjs, and the types of each. Every file is complete: it needs no other
 * package, so that it can be copied to a device alone.
 */
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generateDtsBundle } from 'dts-bundle-generator'
import * as esbuild from 'esbuild'
import { BuildError, runAsProgram } from '../build-error.ts'
import { distFolder, root } from '../places.ts'
import { agentOptions, agentPlugins, checkInside } from './bundle.ts'
import { nodeByRequire, requireForEsm } from './node-by-require.ts'

export interface LibraryOptions {
  /** Where the files go; default dist/. */
  readonly folder?: string
}

const entry = join(root, 'src/index.ts')

/** Builds the four files. Throws a {@link BuildError} on a warning, and when a bundle contains a forbidden file. */
export async function buildLibrary({ folder = join(root, distFolder) }: LibraryOptions = {}): Promise<void> {
  await mkdir(folder, { recursive: true })
  const [esm, cjs] = await Promise.all([bundle('esm'), bundle('cjs')])
  const types = bundleTypes()
  await put(join(folder, 'index.js'), esm)
  await put(join(folder, 'index.cjs'), cjs)
  await put(join(folder, 'index.d.ts'), types)
  await put(join(folder, 'index.d.cts'), types)
}

async function bundle(format: 'esm' | 'cjs'): Promise<string> {
  const result = await esbuild
    .build({
      ...(await agentOptions()),
      entryPoints: [entry],
      format,
      // Not the names and spaces: an application's developer must be able to read the file and its stack traces.
      minifySyntax: true,
      metafile: true,
      write: false,
      ...(format === 'esm' ? { banner: { js: requireForEsm }, plugins: [...agentPlugins, nodeByRequire] } : {}),
    })
    .catch(error => {
      throw new BuildError(`The library cannot be made: ${error instanceof Error ? error.message : error}`)
    })
  const warnings = await esbuild.formatMessages(result.warnings, { kind: 'warning' })
  if (warnings.length > 0) throw new BuildError(`The library has warnings:\n${warnings.join('\n')}`)
  checkInside(Object.keys(result.metafile.inputs))
  const text = result.outputFiles[0]?.text
  if (text === undefined) throw new BuildError('esbuild made no file.')
  return text
}

/** The types of all exports in one text that imports no file of this project. */
function bundleTypes(): string {
  const options = { output: { noBanner: true, exportReferencedTypes: false } }
  const [types] = generateDtsBundle([{ filePath: entry, ...options }], {
    preferredConfigPath: join(root, 'tsconfig.json'),
  })
  if (types === undefined)
    throw new BuildError('The types of the library cannot be made: the generator returned nothing.')
  return types
}

/** Replaces a file in one step, so that a program that loads the library meanwhile gets the old file or the new one. */
async function put(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text)
  await rename(`${path}.new`, path)
}

if (process.argv[1] === import.meta.filename) await runAsProgram(() => buildLibrary())
