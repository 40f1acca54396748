// SPDX-License-Identifier: Apache-2.0
import { chmodSync, cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { tempDir } from './temp-dir.ts'

/** A configuration folder with these files (name → text, or JSON for anything else), all of mode 0600. */
export function configFolder(t: TestContext, files: Readonly<Record<string, unknown>>): string {
  const folder = tempDir(t)
  for (const [name, content] of Object.entries(files)) {
    const text = typeof content === 'string' ? content : JSON.stringify(content, null, 2)
    writeFileSync(join(folder, name), text, { mode: 0o600 })
  }
  return folder
}

/** A copy of the configuration of a device that ran the Python agent. */
export function pythonAgentFolder(t: TestContext): string {
  const folder = tempDir(t)
  cpSync(join(import.meta.dirname, '../fixtures/python-agent'), folder, { recursive: true })
  chmodSync(join(folder, 'iot-connect.cfg'), 0o600)
  return folder
}
