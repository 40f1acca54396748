/** Bundles the agent into one CommonJS script: what an executable carries. The same for every target. */
import { join } from 'node:path'
import * as esbuild from 'esbuild'
import { BuildError } from '../build-error.ts'
import { root } from '../places.ts'
import { builtDefine } from '../version/commit-time.ts'
import { nodeInstead } from './node-instead.ts'
import { ownVersion } from './own-version.ts'
import { silentDebug } from './silent-debug.ts'

export interface Bundle {
  readonly code: Uint8Array
  readonly metafile: esbuild.Metafile
}

/** What becomes of the packages in every bundle of the agent: executables and library. */
export const agentPlugins: esbuild.Plugin[] = [silentDebug, nodeInstead, ownVersion]

/** Nothing below these folders may be in an executable. */
const neverInside = ['src/cloud/', 'src/tour/', 'test/', 'build/']

/**
 * Executables carry --disable-sigusr1 where their Node knows it. Where it does not (Node 20), a listener takes
 * the signal that would open the inspector.
 */
const noInspector = `process.execArgv.includes('--disable-sigusr1')||process.on('SIGUSR1',()=>{});`

/** Bundles `entry`. Throws a {@link BuildError} on any warning, and when something is inside that must not be. */
export async function bundleAgent(entry = join(root, 'src/main.ts')): Promise<Bundle> {
  const result = await esbuild
    .build({
      entryPoints: [entry],
      absWorkingDir: root,
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'cjs',
      // The Node of the armv7 executable refuses import() inside an executable, also for its own modules.
      supported: { 'dynamic-import': false },
      minify: true,
      metafile: true,
      write: false,
      outfile: 'device-cloud.cjs',
      legalComments: 'none',
      // One letter beyond ASCII would make V8 keep the whole script with two bytes a letter: a megabyte of memory.
      charset: 'ascii',
      logLevel: 'silent',
      loader: { '.pem': 'text' },
      plugins: agentPlugins,
      banner: { js: noInspector },
      define: {
        ...(await builtDefine()),
        // ws looks for these native add-ons; a single file has no place for them.
        'process.env.WS_NO_BUFFER_UTIL': '"1"',
        'process.env.WS_NO_UTF_8_VALIDATE': '"1"',
      },
    })
    .catch(error => {
      throw new BuildError(`the bundle cannot be made: ${error instanceof Error ? error.message : error}`)
    })
  const warnings = await esbuild.formatMessages(result.warnings, { kind: 'warning' })
  if (warnings.length > 0) throw new BuildError(`the bundle has warnings:\n${warnings.join('\n')}`)
  checkInside(Object.keys(result.metafile.inputs).filter(input => join(root, input) !== entry))
  const code = result.outputFiles[0]?.contents
  if (code === undefined) throw new BuildError('esbuild made no file')
  return { code, metafile: result.metafile }
}

/** Throws a {@link BuildError} that names every file of the local cloud, the tour, the tests or the build among `inputs`. */
export function checkInside(inputs: readonly string[]): void {
  const strangers = inputs.filter(input => neverInside.some(folder => input.startsWith(folder)))
  if (strangers.length > 0) throw new BuildError(`the executable must not contain ${strangers.join(', ')}`)
}
