// SPDX-License-Identifier: Apache-2.0
import type { Writable } from 'node:stream'
import { formatLogRecord, type LogRecord, type LogSink } from '../../base/log.ts'

/** How much may wait for a reader that is stalled; beyond it lines are dropped and counted. */
const maxWaitingBytes = 256 * 1024

/** A log sink that may be busy or broken: it never throws, but loses lines and counts them. */
export interface CountingSink {
  readonly sink: LogSink
  /** Lines that could not be written so far. */
  lostLines(): number
}

/** Lines to stdout, stderr or another stream. A reader that stalls or went away costs lines, never memory or the process. */
export function logStream(stream: Writable, format: (record: LogRecord) => string = formatLogRecord): CountingSink {
  let lost = 0
  stream.on('error', () => {
    lost++
  })
  return {
    lostLines: () => lost,
    sink: record => {
      if (stream.destroyed || stream.writableEnded || stream.writableLength > maxWaitingBytes) lost++
      else stream.write(`${format(record)}\n`)
    },
  }
}

/** One sink that feeds several. */
export function combineSinks(sinks: readonly LogSink[]): LogSink {
  return record => {
    for (const sink of sinks) sink(record)
  }
}
