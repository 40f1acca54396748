/**
 * Bundles Node's own modules in the place of packages that repeat them. MQTT's packages bring a copy of Node's streams
 * and timers for browsers; both would be loaded at each start and stay in memory, half a megabyte and more.
 * `readable-stream` offers the same exchange by its READABLE_STREAM=disable; `worker-timers` is used in browsers only.
 */
import type { Plugin } from 'esbuild'

const replacements: Readonly<Record<string, string>> = { 'readable-stream': 'stream', 'worker-timers': 'timers' }

export const nodeInstead: Plugin = {
  name: 'node-instead',
  setup(build) {
    build.onResolve({ filter: /^(?:readable-stream|worker-timers)$/ }, ({ path }) => ({
      path: replacements[path] ?? path,
      external: true,
    }))
  },
}
