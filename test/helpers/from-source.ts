// SPDX-License-Identifier: Apache-2.0
/** What Node needs on its command line to run TypeScript: nothing from 22.18 on, which leaves out the types by itself. */
import { join } from 'node:path'
import { root } from '../../build/places.ts'

const knowsTypes = 'typescript' in process.features && process.features.typescript !== false

export const fromSource: readonly string[] = knowsTypes
  ? []
  : ['--import', join(root, 'node_modules/tsx/dist/loader.mjs')]
