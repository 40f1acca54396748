import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type Bundle, bundleAgent } from '../../build/bundle.ts'
import { tempDir } from './temp-dir.ts'

let bundle: Promise<Bundle> | undefined

/** The words that start `device-cloud` as one script, minified as in the executable, on the Node of the test. */
export async function bundledAgent(t: TestContext): Promise<readonly [program: string, script: string]> {
  bundle ??= bundleAgent()
  const script = join(tempDir(t), 'device-cloud.cjs')
  writeFileSync(script, (await bundle).code)
  return [process.execPath, script]
}
