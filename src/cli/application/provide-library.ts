// SPDX-License-Identifier: Apache-2.0
import nodeModule from 'node:module'

/** The name under which applications import the library. */
const libraryName = 'device-cloud'
/** The symbol under which the virtual module finds the library. */
const globalKey = 'device-cloud.library'
const virtualUrl = 'device-cloud:library'

interface ResolveResult {
  readonly url: string
  readonly format?: string | null | undefined
  readonly shortCircuit?: boolean | undefined
}
interface LoadResult {
  readonly format: string | null | undefined
  readonly source?: unknown
  readonly shortCircuit?: boolean | undefined
}
type Next<Result> = (subject: string, context?: unknown) => Result

/** The parts of Node's module loader that the types of Node 20 do not know. */
interface LoaderInternals {
  _load(request: string, parent: unknown, isMain: boolean): unknown
  registerHooks?(hooks: {
    resolve(specifier: string, context: unknown, next: Next<ResolveResult>): ResolveResult
    load(url: string, context: unknown, next: Next<LoadResult>): LoadResult
  }): unknown
  register?(specifier: string): void
}

/**
 * Makes `require('device-cloud')` and `import ... from 'device-cloud'` resolve to `library` in every file, even where another version
 * is installed: the application gets the library of the executable that runs it.
 */
export function provideLibrary(library: Readonly<Record<string, unknown>>): void {
  const loader = nodeModule as unknown as LoaderInternals
  const load = loader._load
  loader._load = function (this: unknown, request, parent, isMain) {
    return request === libraryName ? library : load.call(this, request, parent, isMain)
  }
  Object.defineProperty(globalThis, Symbol.for(globalKey), { value: library, configurable: true })
  const source = sourceOf(library)
  if (loader.registerHooks !== undefined) {
    loader.registerHooks({
      resolve: (specifier, context, next) =>
        specifier === libraryName
          ? { url: virtualUrl, format: 'module', shortCircuit: true }
          : next(specifier, context),
      load: (url, context, next) =>
        url === virtualUrl ? { format: 'module', source, shortCircuit: true } : next(url, context),
    })
  } else if (loader.register !== undefined) {
    // The hooks run in their own thread, which costs some milliseconds and megabytes. A CommonJS application may need them for import().
    loader.register(`data:text/javascript,${encodeURIComponent(hooksSource(source))}`)
  }
}

/** A module that exports the members of the library by name, and the whole library as the default. */
function sourceOf(library: Readonly<Record<string, unknown>>): string {
  const names = Object.keys(library).filter(name => /^[A-Za-z_$][\w$]*$/.test(name) && name !== 'default')
  return [
    `const library = globalThis[Symbol.for(${JSON.stringify(globalKey)})]`,
    ...names.map(name => `export const ${name} = library.${name}`),
    'export default library',
  ].join('\n')
}

/** The same hooks for Node versions that run them in a thread of their own (20, and 22 before 22.15). */
function hooksSource(source: string): string {
  return [
    'export const resolve = (specifier, context, next) =>',
    `  specifier === ${JSON.stringify(libraryName)}`,
    `    ? { url: ${JSON.stringify(virtualUrl)}, format: 'module', shortCircuit: true }`,
    '    : next(specifier, context)',
    'export const load = (url, context, next) =>',
    `  url === ${JSON.stringify(virtualUrl)}`,
    `    ? { format: 'module', source: ${JSON.stringify(source)}, shortCircuit: true }`,
    '    : next(url, context)',
  ].join('\n')
}
