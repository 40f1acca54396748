import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '../../../src/base/clock.ts'
import { Log } from '../../../src/base/log.ts'
import { LogOutput } from '../../../src/client/log-output.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

test('lines that come before the settings are known go where the settings say', async t => {
  const logFile = join(tempDir(t), 'agent.log')
  const output = new LogOutput(systemClock)
  const log = Log.create({ clock: systemClock, sink: output.sink })
  log.info('early')
  await output.open({ quiet: true, useSyslog: false, logFile }, 'app')
  log.info('late')
  await output.close()
  log.info('after the end')
  const text = readFileSync(logFile, 'utf8')
  assert.match(text, /early\n.*late\n$/)
})

test('only so many early lines are kept', async t => {
  const logFile = join(tempDir(t), 'agent.log')
  const output = new LogOutput(systemClock)
  const log = Log.create({ clock: systemClock, sink: output.sink })
  for (let line = 0; line < 500; line++) log.info(`line ${line}`)
  await output.open({ quiet: true, useSyslog: false, logFile }, 'app')
  await output.close()
  assert.equal(readFileSync(logFile, 'utf8').trim().split('\n').length, 100)
})

test('the application’s own logger gets every line with its fields; what it throws harms nobody', () => {
  const lines: unknown[] = []
  const note =
    (level: string) =>
    (message: string, fields?: object): void => {
      lines.push([level, message, fields])
      if (level === 'error') throw new Error('the logger is broken')
    }
  const logger = { error: note('error'), warn: note('warn'), info: note('info'), debug: note('debug') }
  const output = new LogOutput(systemClock, logger)
  const log = Log.create({ clock: systemClock, sink: output.sink, level: 'trace' }).child('link')
  log.error('broken', { code: 7, nothing: undefined })
  log.trace('fine')
  assert.deepEqual(lines, [
    ['error', 'link: broken', { code: 7 }],
    ['debug', 'link: fine', {}],
  ])
})
