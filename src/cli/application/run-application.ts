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
 * Starts the user's application in this process, as `node APP ARGS` would: its own `process.argv`, `require.main`, relative
 * imports, and stack traces that name its files. `device-cloud` is the library of this executable.
 *
 * @param path absolute
 * @param library what `import * as` of the library gives
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
  // In a single-file executable `require` is not the one of the file system; this one is, everywhere.
  const Module = createRequire(path)('node:module') as unknown as ModuleLoader
  provideLibrary(library)
  if (kind === 'commonjs') {
    // Apart from our own calls, so that what it throws is reported by Node as its own, and not caught by us.
    setImmediate(() => Module.runMain(path))
    return
  }
  // An import() that is compiled as a part of a single-file executable cannot load files. One compiled here can.
  const starter = new Module(path)
  starter._compile('module.exports = url => import(url)', path)
  void (starter.exports as (url: string) => Promise<unknown>)(pathToFileURL(path).href)
}
