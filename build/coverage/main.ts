// SPDX-License-Identifier: Apache-2.0
/**
 * Shows what the unit and integration tests reach of src/: `npm run coverage`. Writes coverage/index.html, a page for each file,
 * and fails when less than {@link minLines} is reached. The processes that the tests start count too.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { BuildError, runAsProgram } from '../build-error.ts'
import { root } from '../places.ts'
import { reportCoverage } from './report.ts'

/** The floor, in percent of the lines of src/. Raise it when the tests reach more. */
const minLines = 85

/** This Node leaves out the types by itself: it runs the lines as they are written, with no map between that may be wrong. */
const nodeVersion = '26.10.0'

await runAsProgram(async () => {
  const collected = mkdtempSync(join(tmpdir(), 'device-cloud-coverage-'))
  process.on('exit', () => rmSync(collected, { recursive: true, force: true }))
  const node = tsx('pipe', 'build/node/test-node.ts', nodeVersion).trim()
  process.env.NODE_V8_COVERAGE = collected
  tsx('inherit', 'build/test.ts', 'unit', 'integration', '--node', node)
  const lines = await reportCoverage(collected, join(root, 'coverage'))
  console.log(`coverage: ${pathToFileURL(join(root, 'coverage/index.html'))}`)
  if (lines < minLines) throw new BuildError(`the tests reach ${lines} % of the lines; the floor is ${minLines} %`)
})

/** Runs a program of this repository, and returns its output when that comes through a pipe. */
function tsx(output: 'pipe' | 'inherit', program: string, ...words: string[]): string {
  const loader = join(root, 'node_modules/tsx/dist/cli.mjs')
  const stdio = ['ignore', output, 'inherit'] as const
  const { status, stdout } = spawnSync(process.execPath, [loader, program, ...words], {
    cwd: root,
    encoding: 'utf8',
    stdio: [...stdio],
  })
  if (status !== 0) throw new BuildError(`${program} failed`)
  return stdout ?? ''
}
