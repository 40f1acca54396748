// SPDX-License-Identifier: Apache-2.0
/** Makes the SEA blob, which holds the bundle and its code cache, with the target's own Node. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BuildError } from '../build-error.ts'
import { launcherOf } from '../node/machine.ts'
import { root } from '../places.ts'
import { runProgram } from '../run-program.ts'
import type { Target } from '../target.ts'

/** The blob of `code` for `target`, made by the Node binary at `node`. The same input gives the same bytes. */
export async function makeBlob(target: Target, node: string, code: Uint8Array): Promise<Uint8Array> {
  const config = await seaConfig(target)
  const folder = await mkdtemp(join(tmpdir(), 'device-cloud-blob-'))
  try {
    await writeFile(join(folder, config.main), code)
    await writeFile(join(folder, 'sea.json'), JSON.stringify(config))
    // The code cache depends on V8's random seed and flags: a fixed seed makes it reproducible, and the executable runs with
    // the same flags. The name of the main script is relative, because it appears in stack traces.
    const flags = ['--random-seed=1', ...config.execArgv]
    const [program = node, ...args] = [...launcherOf(target), node]
    await runProgram(program, [...args, ...flags, '--experimental-sea-config', 'sea.json'], {
      cwd: folder,
      env: { PATH: process.env.PATH },
    })
    return await readFile(join(folder, config.output))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

interface SeaConfig {
  readonly main: string
  readonly output: string
  readonly execArgv: readonly string[]
}

/** sea-config.json with the additions of the target. */
export async function seaConfig(target: Target): Promise<SeaConfig> {
  const config: unknown = { ...JSON.parse(await readFile(join(root, 'sea-config.json'), 'utf8')), ...target.sea }
  if (!isSeaConfig(config))
    throw new BuildError('sea-config.json must have main and output, which are file names without a folder.')
  return { ...config, execArgv: config.execArgv ?? [] }
}

function isSeaConfig(config: unknown): config is Omit<SeaConfig, 'execArgv'> & { execArgv?: string[] } {
  if (typeof config !== 'object' || config === null || !('main' in config) || !('output' in config)) return false
  return [config.main, config.output].every(name => typeof name === 'string' && /^[\w.-]+$/.test(name))
}
