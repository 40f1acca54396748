/** How a test starts the agent or the local cloud as a process of its own. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../build/places.ts'
import { testProgramPath } from '../../build/test-programs.ts'
import { fromSource } from './from-source.ts'

/**
 * The arguments with which Node starts `source` (a path in the checkout): the script that the test run has made of it,
 * the file itself where there is none, as when a test file is started by hand.
 */
export function programArgs(source: string): readonly string[] {
  const folder = process.env.DEVICE_CLOUD_TEST_PROGRAMS
  const script = folder === undefined ? undefined : testProgramPath(folder, source)
  if (script !== undefined && existsSync(script)) return [script]
  return [...fromSource, join(root, source)]
}
