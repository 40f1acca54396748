// SPDX-License-Identifier: Apache-2.0
/** The single-file executables, for tests that start them: built when they are not up to date, then taken from the cache. */
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { BuildError, MissingTool } from '../../build/build-error.ts'
import { type Bundle, bundleAgent } from '../../build/bundle/bundle.ts'
import { buildExecutable, type ExecutableOptions } from '../../build/executable/executable.ts'
import { launcherOf, stripOf } from '../../build/node/machine.ts'
import { root } from '../../build/places.ts'
import { readTarget, type TargetName, targetOfThisMachine } from '../../build/target.ts'

/** The agent as it ships. */
const agent = join(root, 'src/main.ts')
/** An agent of a few lines, for tests of the build itself. */
export const tinyAgent = join(root, 'test/fixtures/build/tiny-entry.ts')

const bundles = new Map<string, Promise<Bundle>>()

export interface ExecutableWishes {
  readonly entry?: string
  readonly injector?: ExecutableOptions['injector']
}

/** The path of this machine's executable, the very bytes that `npm run build` puts into dist/. The file is shared: copy it before changing it. */
export async function executable(t: TestContext, wishes: ExecutableWishes = {}): Promise<string> {
  const name = targetOfThisMachine()
  if (name === undefined) throw new BuildError(`no executable is made for ${process.platform} ${process.arch}`)
  return await build(t, name, wishes)
}

export interface Startable {
  /** What to start, and the arguments that come before the agent's own: an emulator where the target is foreign. */
  readonly program: string
  readonly args: readonly string[]
  /** The executable itself. */
  readonly path: string
}

/** The executable of `name` and how to start it here; undefined, and the test skipped, when emulator or cross tools are missing. */
export async function executableOf(
  t: TestContext,
  name: TargetName,
  wishes: ExecutableWishes = {},
): Promise<Startable | undefined> {
  const target = readTarget(name)
  try {
    const launcher = launcherOf(target)
    if (launcher.length > 0) stripOf(target)
    const path = await build(t, name, wishes)
    const [program = path, ...args] = [...launcher, path]
    return { program, args, path }
  } catch (error) {
    if (!(error instanceof MissingTool)) throw error
    t.skip(error.message)
    return undefined
  }
}

async function build(t: TestContext, name: TargetName, wishes: ExecutableWishes): Promise<string> {
  const { entry = agent, injector = 'own' } = wishes
  const bundle = bundles.get(entry) ?? bundleAgent(entry)
  bundles.set(entry, bundle)
  const options = { target: readTarget(name), bundle: await bundle, injector, unstrippedAllowed: true }
  const built = await buildExecutable({ ...options, report: line => t.diagnostic(line) })
  return built.path
}
