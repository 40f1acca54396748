// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { BuildError } from '../build-error.ts'
import { root } from '../places.ts'

/** The version in package.json. */
export function readVersion(): string {
  const text = readFileSync(join(root, 'package.json'), 'utf8')
  const parsed: unknown = JSON.parse(text)
  if (typeof parsed === 'object' && parsed !== null && 'version' in parsed && typeof parsed.version === 'string')
    return parsed.version
  throw new BuildError('package.json has no version')
}
