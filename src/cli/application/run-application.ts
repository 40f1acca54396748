// SPDX-License-Identifier: Apache-2.0
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { ownExecutable } from '../../platform/process/own-executable.ts'
import { leadChildrenIntoRun } from './children.ts'
import { moduleKindOf } from './module-kind.ts'
import { provideLibrary } from './provide-library.ts'
import { explainToWorkers } from './workers.ts'

/** The parts of Node's module loader that are not in its types. */
interface NodeModule {
  _compile(source: string, filename: string): void
  readonly exports: unknown
}
interface ModuleLoader {
  new (id: string): NodeModule
  runMain(path?: string): unknown
}

/**
 * Starts the user's application in this process, as `node APP ARGS` would, with its own `process.argv`, `require.main`, relative
 * imports, and stack traces that name its files. `device-cloud` resolves to the library of this executable.
 *
 * @param path absolute
 * @param library the namespace object of the library
 */
export async function runApplication(
  path: string,
  args: readonly string[],
  library: Readonly<Record<string, unknown>>,
): Promise<void> {
  explainToWorkers(ownExecutable() === undefined ? process.execArgv : [])
  leadChildrenIntoRun()
  process.argv = [process.execPath, path, ...args]
  const kind = await moduleKindOf(path)
  // The `require` of a single-file executable cannot load files. This one can everywhere.
  const Module = createRequire(path)('node:module') as unknown as ModuleLoader
  provideLibrary(library)
  if (kind === 'commonjs') {
    // In a turn of its own, so that no caller here catches its exceptions, and Node reports them as those of the application.
    setImmediate(() => Module.runMain(path))
    return
  }
  // An import() compiled into a single-file executable cannot load files. One that is compiled here can.
  const starter = new Module(path)
  starter._compile('module.exports = url => import(url)', path)
  void (starter.exports as (url: string) => Promise<unknown>)(pathToFileURL(path).href)
}
