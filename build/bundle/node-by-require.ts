/**
 * Gets Node's own modules by `require` in a bundle that is an ES module. An `import` of one reads each of its properties, also
 * those that load what nobody asked for: `node:http` then brings undici, 20 ms of a start and 1.5 MB.
 * The output needs a `require` of its own: {@link requireForEsm}.
 */
import { builtinModules } from 'node:module'
import type { Plugin } from 'esbuild'

const namespace = 'node-by-require'
const builtins = new Set(builtinModules.flatMap(name => [name, `node:${name}`]))

/** First lines of an ES module that has a `require`; the bundled CommonJS packages call it too. */
export const requireForEsm = `import { createRequire as createRequireOfNode } from 'node:module'
const require = createRequireOfNode(import.meta.url)`

export const nodeByRequire: Plugin = {
  name: namespace,
  setup(build) {
    build.onResolve({ filter: /^[a-z:_/0-9]+$/ }, ({ path, kind }) => {
      if (!builtins.has(path) || kind !== 'import-statement') return undefined
      return { path, namespace, sideEffects: false }
    })
    build.onLoad({ filter: /.*/, namespace }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)})`,
      loader: 'js',
    }))
  },
}
