// SPDX-License-Identifier: Apache-2.0
/**
 * Loads Node's own modules by `require` in a bundle that is an ES module. An `import` reads every property of a module, and some
 * properties load further modules: `node:http` would load undici, which takes 20 ms of a start and 1.5 MB.
 * The output must define `require`: {@link requireForEsm}.
 */
import { builtinModules } from 'node:module'
import type { Plugin } from 'esbuild'

const namespace = 'node-by-require'
const builtins = new Set(builtinModules.flatMap(name => [name, `node:${name}`]))

/** The first lines of such an ES module. The bundled CommonJS packages call this `require` too. */
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
