// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../../src/base/clock.ts'
import { systemClock } from '../../src/base/clock.ts'
import { formatLogRecord, Log, type LogLevel, type LogRecord } from '../../src/base/log.ts'

/** A logger that keeps its lines, for tests that assert on them. */
export function memoryLog(
  clock: Clock = systemClock,
  level: LogLevel = 'trace',
): { log: Log; records: LogRecord[]; text(): string } {
  const records: LogRecord[] = []
  const log = Log.create({ clock, level, sink: record => void records.push(record) })
  return { log, records, text: () => records.map(formatLogRecord).join('\n') }
}
