// SPDX-License-Identifier: Apache-2.0
/**
 * Replaces the package `debug` by an empty one. The MQTT packages write to it, and with DEBUG=* in the environment it would
 * print thing keys and whole messages, without the agent's own log, which hides secrets.
 */
import type { Plugin } from 'esbuild'

const source = `const silent = Object.assign(() => {}, { enabled: false, extend: () => silent, destroy: () => false })
module.exports = Object.assign(() => silent, { default: () => silent, enable() {}, disable: () => '', enabled: () => false })`

export const silentDebug: Plugin = {
  name: 'silent-debug',
  setup(build) {
    build.onResolve({ filter: /^debug$/ }, () => ({ path: 'debug', namespace: 'silent' }))
    build.onLoad({ filter: /.*/, namespace: 'silent' }, () => ({ contents: source, loader: 'js' }))
  },
}
