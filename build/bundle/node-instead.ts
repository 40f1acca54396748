// SPDX-License-Identifier: Apache-2.0
/**
 * Uses Node's own modules instead of packages that copy them. The MQTT packages bring copies of Node's streams and timers for
 * browsers, which would be loaded at each start and take half a megabyte of memory.
 * `readable-stream` itself offers this replacement by READABLE_STREAM=disable; only browsers use `worker-timers`.
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
