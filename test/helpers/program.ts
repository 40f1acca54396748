// SPDX-License-Identifier: Apache-2.0
/** The agent and the local cloud as the test run has made them: one script each, the agent minified as in the executable. */
import { join } from 'node:path'
import { testPrograms } from '../../build/bundle/test-programs.ts'

/** The script of `device-cloud`, for the Node of the test. */
export function agentScript(): string {
  return scriptAt(testPrograms.agent)
}

export function cloudScript(): string {
  return scriptAt(testPrograms.cloud)
}

function scriptAt(name: string): string {
  const folder = process.env[testPrograms.variable]
  if (folder === undefined)
    throw new Error('this test needs scripts that the test run makes: npx tsx build/test.ts FILE')
  return join(folder, name)
}
