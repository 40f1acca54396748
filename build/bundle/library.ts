/**
 * Builds the library: dist/index.js (ESM), dist/index.cjs, and the types beside each. Every file stands alone: nothing has to
 * be installed with it, so that a single file can be copied to a device.
 */
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generateDtsBundle } from 'dts-bundle-generator'
import * as esbuild from 'esbuild'
import { BuildError, runAsProgram } from '../build-error.ts'
import { distFolder, root } from '../places.ts'
import { builtDefine } from '../version/commit-time.ts'
import { agentPlugins, checkInside } from './bundle.ts'
import { nodeByRequire, requireForEsm } from './node-by-require.ts'

export interface LibraryOptions {
  /** Where the files go; default dist/. */
  readonly folder?: string
}

const entry = join(root, 'src/index.ts')

/** Builds the four files. Throws a {@link BuildError} on any warning, and when something is inside that must not be. */
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
      entryPoints: [entry],
      absWorkingDir: root,
      bundle: true,
      platform: 'node',
      target: 'node20',
      format,
      // Syntax alone: an application's developer can read the file and its stack traces.
      minifySyntax: true,
      metafile: true,
      write: false,
      legalComments: 'none',
      // As in the executable: one letter beyond ASCII would make V8 keep the whole script with two bytes a letter.
      charset: 'ascii',
      logLevel: 'silent',
      loader: { '.pem': 'text' },
      ...(format === 'esm'
        ? { banner: { js: requireForEsm }, plugins: [...agentPlugins, nodeByRequire] }
        : { plugins: agentPlugins }),
      define: {
        ...(await builtDefine()),
        // ws looks for these native add-ons; a single file has no place for them.
        'process.env.WS_NO_BUFFER_UTIL': '"1"',
        'process.env.WS_NO_UTF_8_VALIDATE': '"1"',
      },
    })
    .catch(error => {
      throw new BuildError(`the library cannot be made: ${error instanceof Error ? error.message : error}`)
    })
  const warnings = await esbuild.formatMessages(result.warnings, { kind: 'warning' })
  if (warnings.length > 0) throw new BuildError(`the library has warnings:\n${warnings.join('\n')}`)
  checkInside(Object.keys(result.metafile.inputs))
  const text = result.outputFiles[0]?.text
  if (text === undefined) throw new BuildError('esbuild made no file')
  return text
}

/** All exported types in one text that imports nothing of ours. */
function bundleTypes(): string {
  const options = { output: { noBanner: true, exportReferencedTypes: false } }
  const [types] = generateDtsBundle([{ filePath: entry, ...options }], {
    preferredConfigPath: join(root, 'tsconfig.json'),
  })
  if (types === undefined) throw new BuildError('there are no types')
  return types
}

/** In one step, so that whoever uses the library at this moment has the old file or the new one. */
async function put(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text)
  await rename(`${path}.new`, path)
}

if (process.argv[1] === import.meta.filename) await runAsProgram(() => buildLibrary())
