// SPDX-License-Identifier: Apache-2.0
/** Bundles the agent into one CommonJS script, which every executable contains. */
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
  /** The external source map, if the caller asked for it. The code does not mention it. */
  readonly map: Uint8Array | undefined
}

export interface BundleOptions {
  /** Whether to make a source map too. */
  readonly map?: boolean
}

/** The plugins of every bundle of the agent: of executables and of the library. */
export const agentPlugins: esbuild.Plugin[] = [silentDebug, nodeInstead, ownVersion]

/** The options that those bundles share. */
export async function agentOptions(): Promise<esbuild.BuildOptions> {
  return {
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    target: 'node20',
    metafile: true,
    legalComments: 'none',
    // One letter beyond ASCII would make V8 store the whole script with two bytes a letter: a megabyte of memory.
    charset: 'ascii',
    logLevel: 'silent',
    loader: { '.pem': 'text' },
    plugins: agentPlugins,
    define: {
      ...(await builtDefine()),
      // ws looks for these native add-ons, which a single file cannot contain.
      'process.env.WS_NO_BUFFER_UTIL': '"1"',
      'process.env.WS_NO_UTF_8_VALIDATE': '"1"',
    },
  }
}

/** No file below these folders may be in a bundle of the agent. */
const forbiddenFolders = ['src/cloud/', 'src/tour/', 'test/', 'build/']

/** Makes the whole script strict, once. Every module of the agent is; esbuild would say so in each of its 560 wrappers. */
const strict = '"use strict";'

/**
 * Executables run with --disable-sigusr1 where their Node has it. Where it does not (Node 20), a listener takes the signal
 * that would open the inspector.
 */
const noInspector = `process.execArgv.includes('--disable-sigusr1')||process.on('SIGUSR1',()=>{});`

/** Bundles `entry`. Throws a {@link BuildError} on a warning, and when the bundle contains a forbidden file. */
export async function bundleAgent(
  entry = join(root, 'src/main.ts'),
  { map = false }: BundleOptions = {},
): Promise<Bundle> {
  const result = await esbuild
    .build({
      ...(await agentOptions()),
      entryPoints: [entry],
      format: 'cjs',
      // The Node of the armv7 executable refuses import() inside an executable, even of Node's own modules.
      supported: { 'dynamic-import': false },
      minify: true,
      metafile: true,
      sourcemap: map ? 'external' : false,
      sourcesContent: false,
      write: false,
      outfile: 'device-cloud.cjs',
      banner: { js: strict + noInspector },
      // As tsconfig.json, without `strict`, which also asks for that word in each wrapper.
      tsconfigRaw: { compilerOptions: { alwaysStrict: false, target: 'ES2022', verbatimModuleSyntax: true } },
    })
    .catch(error => {
      throw new BuildError(`The bundle cannot be made: ${error instanceof Error ? error.message : error}`)
    })
  const warnings = await esbuild.formatMessages(result.warnings, { kind: 'warning' })
  if (warnings.length > 0) throw new BuildError(`The bundle has warnings:\n${warnings.join('\n')}`)
  checkInside(Object.keys(result.metafile.inputs).filter(input => join(root, input) !== entry))
  const output = (end: string) => result.outputFiles.find(({ path }) => path.endsWith(end))?.contents
  const code = output('.cjs')
  if (code === undefined) throw new BuildError('esbuild made no file.')
  return { code, metafile: result.metafile, map: output('.map') }
}

/** Throws a {@link BuildError} with the files of the local cloud, the tour, the tests and the build among `inputs`, if any. */
export function checkInside(inputs: readonly string[]): void {
  const forbidden = inputs.filter(input => forbiddenFolders.some(folder => input.startsWith(folder)))
  if (forbidden.length > 0) throw new BuildError(`The bundle must not contain ${forbidden.join(', ')}.`)
}
