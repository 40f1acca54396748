// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { chmodSync, chownSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '../../../src/base/clock.ts'
import { Log } from '../../../src/base/log.ts'
import { Client } from '../../../src/client/client.ts'
import { LogOutput } from '../../../src/client/log-output.ts'
import { needsRoot, stranger } from '../../helpers/as-root.ts'
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

test('the application’s own logger gets every line with its fields; what it throws does no harm', () => {
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

test(
  'an application of root writes no log where another user names it, and one of its own it does',
  needsRoot,
  async t => {
    const folder = tempDir(t)
    const logFile = join(folder, 'profile')
    const log_level = 'trace'
    writeFileSync(
      join(folder, 'app-connect.cfg'),
      JSON.stringify({ log_file: logFile, quiet: true, log_level, unknown: 1 }),
    )
    const run = async () => {
      const client = new Client('app', { configDir: folder, offline: true })
      await client.connect()
      await client.disconnect()
    }
    chownSync(join(folder, 'app-connect.cfg'), stranger, stranger)
    await run()
    assert.equal(existsSync(logFile), false)
    chownSync(join(folder, 'app-connect.cfg'), 0, 0)
    chmodSync(folder, 0o755)
    await run()
    assert.equal(existsSync(logFile), true)
  },
)
