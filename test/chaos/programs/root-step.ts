// SPDX-License-Identifier: Apache-2.0
/** `root-step` as a process that can be killed: FILE-FOR-ROOT FOLDER-OF-PROGRAMS. */
import { systemClock } from '../../../src/base/clock.ts'
import { formatLogRecord, Log } from '../../../src/base/log.ts'
import { rootStep } from '../../../src/manager/root/root-step.ts'

const [configPath = '', root = ''] = process.argv.slice(2)
await rootStep({
  powerOnly: false,
  patienceMs: 60_000,
  clock: systemClock,
  log: Log.create({ clock: systemClock, sink: record => process.stderr.write(`${formatLogRecord(record)}\n`) }),
  signal: new AbortController().signal,
  configPath,
  powerOptions: { root },
})
