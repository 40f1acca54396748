// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'
import { systemClock } from '../../../src/base/clock.ts'
import { AgentError } from '../../../src/base/errors.ts'
import { statusReport } from '../../../src/manager/status-report.ts'
import { transferFiles } from '../../../src/platform/held/transfer-files.ts'
import { walkPath } from '../../../src/platform/held/walk.ts'
import { readHealth } from '../../../src/platform/system/health.ts'

/** Runs where /proc is not mounted, and tells what works there. */
async function run(folder: string): Promise<object> {
  const walk = await walkPath(folder).then(
    () => 'walked',
    error => (error instanceof AgentError ? `${error.code}: ${error.message}` : String(error)),
  )
  const held = await transferFiles.openFolder(folder)
  const file = await held.createPrivate('.', '.part')
  await file.write(Buffer.from('content'), 0)
  await file.seal(0o600, 7)
  await file.close()
  await held.makeFolder('sub')
  await held.rename(file.name, 'file')
  await held.sync()
  const opened = await held.openFile('file')
  const into = Buffer.alloc(20)
  const text = into.toString('utf8', 0, await opened.read(into, 0))
  await opened.close()
  const refused = await held.openFile('link').then(
    () => 'followed',
    () => 'refused',
  )
  const facts = await held.look('file')
  await held.close()
  const health = Object.keys(await readHealth(folder))
  const { memory } = statusReport(systemClock, { thingKey: 'K', actions: [] } as never, { memory: {} } as never)
  return { walk, text, refused, kind: facts?.kind, path: join(folder, 'file'), health, memory }
}

run(process.argv[2] ?? '').then(
  told => process.stdout.write(JSON.stringify(told)),
  error => process.stdout.write(JSON.stringify({ error: String(error) })),
)
