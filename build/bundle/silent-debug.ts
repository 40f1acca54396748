/**
 * Bundles an empty `debug` package. The MQTT packages write to it, and DEBUG=* in the environment would make it print
 * thing keys and whole messages past the agent's own log, which knows what is secret.
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
