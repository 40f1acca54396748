// SPDX-License-Identifier: Apache-2.0
/** Bundles nothing of package.json but the version: a device needs neither scripts nor dependencies. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Plugin } from 'esbuild'
import { root } from '../places.ts'

const manifest = join(root, 'package.json')

export const ownVersion: Plugin = {
  name: 'own-version',
  setup(build) {
    build.onLoad({ filter: /[\\/]package\.json$/ }, async ({ path }) => {
      if (path !== manifest) return undefined
      const { version }: { version?: unknown } = JSON.parse(await readFile(path, 'utf8'))
      return { contents: JSON.stringify({ version }), loader: 'json' }
    })
  },
}
