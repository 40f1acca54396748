// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import { systemClock } from '../../../src/base/clock.ts'
import type { LogLevel, LogRecord } from '../../../src/base/log.ts'
import { LogFile } from '../../../src/platform/log/log-file.ts'
import { combineSinks, logStream } from '../../../src/platform/log/log-stream.ts'
import { Syslog } from '../../../src/platform/log/syslog.ts'
import { isRunning } from '../../../src/platform/process/process-facts.ts'
import { eventually } from '../../helpers/eventually.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { mountTmpfs } from '../../helpers/small-disk.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

function line(message: string, level: LogLevel = 'info'): LogRecord {
  return { epochMs: 0, level, component: 'test', message, fields: {} }
}

test('the log file is private, appended to, and rotated within its bound', async t => {
  const folder = tempDir(t)
  const path = join(folder, 'agent.log')
  writeFileSync(path, 'from before\n')
  chmodSync(path, 0o600)
  const file = new LogFile({ path, clock: new FakeClock(), maxBytes: 1000, keep: 2 })
  for (let number = 0; number < 100; number++) {
    file.sink(line(`number ${number}`))
    if (number % 5 === 0) await file.flush()
  }
  await file.close()
  assert.deepEqual(readdirSync(folder).sort(), ['agent.log', 'agent.log.1', 'agent.log.2'])
  for (const name of readdirSync(folder)) {
    assert.ok(statSync(join(folder, name)).size <= 1000, name)
    assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600)
  }
  assert.match(readFileSync(path, 'utf8'), /number 99\n$/)
  assert.equal(file.lostLines(), 0)
})

test('keeps every line in order across a rotation by another process', async t => {
  const path = join(tempDir(t), 'agent.log')
  const file = new LogFile({ path, clock: new FakeClock() })
  file.sink(line('one'))
  await file.flush()
  renameSync(path, `${path}.old`)
  await file.reopen()
  file.sink(line('two'))
  file.sink(line('three'))
  await file.close()
  assert.match(readFileSync(`${path}.old`, 'utf8'), /one\n$/)
  assert.match(readFileSync(path, 'utf8'), /two\n.*three\n$/)
})

test('does not write through a link', async t => {
  const folder = tempDir(t)
  writeFileSync(join(folder, 'victim'), '')
  symlinkSync('victim', join(folder, 'agent.log'))
  const file = new LogFile({ path: join(folder, 'agent.log'), clock: new FakeClock() })
  file.sink(line('secret'))
  await file.close()
  assert.equal(readFileSync(join(folder, 'victim'), 'utf8'), '')
  assert.equal(file.lostLines(), 1)
  assert.match(file.lastFailure ?? '', /ELOOP/)
})

test('neither waits for the reader of a FIFO nor writes to a file that has another name', async t => {
  const folder = tempDir(t)
  spawnSync('mkfifo', [join(folder, 'fifo')])
  writeFileSync(join(folder, 'victim'), '')
  linkSync(join(folder, 'victim'), join(folder, 'second-name'))
  for (const name of ['fifo', 'second-name']) {
    const file = new LogFile({ path: join(folder, name), clock: new FakeClock() })
    file.sink(line('secret'))
    await file.close()
    assert.equal(file.lostLines(), 1, name)
  }
  assert.equal(readFileSync(join(folder, 'victim'), 'utf8'), '')
})

test('a folder that comes later gets the log then, with the number of lines lost', async t => {
  const clock = new FakeClock()
  const folder = join(tempDir(t), 'later')
  const file = new LogFile({ path: join(folder, 'agent.log'), clock })
  file.sink(line('one'))
  await file.flush()
  file.sink(line('two'))
  await file.flush()
  assert.equal(file.lostLines(), 2)
  mkdirSync(folder)
  await clock.advance(5000)
  file.sink(line('three'))
  await file.close()
  assert.match(readFileSync(join(folder, 'agent.log'), 'utf8'), /lines were lost lines=2\n.*three\n$/)
})

test('a full disk loses lines, never the process', async t => {
  const folder = mountTmpfs(t, { full: true })
  if (folder === undefined) return
  const clock = new FakeClock()
  const path = join(folder, 'agent.log')
  const file = new LogFile({ path, clock })
  for (let number = 0; number < 10; number++) file.sink(line('x'.repeat(1000)))
  await file.flush()
  assert.equal(file.lostLines(), 10)
  rmSync(join(folder, 'filler'))
  await clock.advance(5000)
  file.sink(line('room again'))
  await file.close()
  assert.match(readFileSync(path, 'utf8'), /lines=10\n.*room again\n$/)
})

test('a reader that stalls or goes away costs lines, not memory and not the process', async () => {
  const stalled = new Writable({ write: () => {} })
  const slow = logStream(stalled)
  for (let number = 0; number < 1000; number++) slow.sink(line('x'.repeat(1000)))
  assert.ok(slow.lostLines() > 700)
  assert.ok(stalled.writableLength < 300_000)
  const broken = new Writable({ write: (_chunk, _encoding, done) => done(new Error('EPIPE')) })
  const gone = logStream(broken)
  gone.sink(line('one'))
  await new Promise(resolve => setImmediate(resolve))
  gone.sink(line('two'))
  assert.equal(gone.lostLines(), 2)
})

test('one sink feeds several', () => {
  const seen: string[] = []
  combineSinks([record => seen.push(`a ${record.message}`), record => seen.push(`b ${record.message}`)])(line('x'))
  assert.deepEqual(seen, ['a x', 'b x'])
})

/** A `logger` that writes down its arguments and its input. */
function fakeLogger(folder: string): void {
  const script = `#!/bin/sh\necho "$*: pid $$" >> ${folder}/pids\nwhile read -r text; do echo "$*: $text" >> ${folder}/log; done\n`
  writeFileSync(join(folder, 'logger'), script, { mode: 0o755 })
}

test('syslog gets each line with its severity through one process per severity', async t => {
  const folder = tempDir(t)
  fakeLogger(folder)
  const syslog = await Syslog.open({ tag: 'device-cloud', clock: systemClock, folders: [folder] })
  syslog.sink(line('first', 'error'))
  syslog.sink(line('second', 'info'))
  syslog.sink(line('third', 'error'))
  syslog.sink(line('é'.repeat(2000), 'debug'))
  await syslog.close()
  const log = readFileSync(join(folder, 'log'), 'utf8').split('\n')
  const of = (severity: string) => log.filter(text => text.includes(`daemon.${severity}:`))
  assert.deepEqual(of('err'), [
    '-t device-cloud -p daemon.err: ERROR test: first',
    '-t device-cloud -p daemon.err: ERROR test: third',
  ])
  assert.deepEqual(of('info'), ['-t device-cloud -p daemon.info: INFO  test: second'])
  assert.ok(Buffer.byteLength(of('debug')[0] ?? '') < 1000)
  assert.equal(syslog.lostLines(), 0)
})

test('a logger that ends is started again, but not in a loop', async t => {
  const folder = tempDir(t)
  fakeLogger(folder)
  const clock = new FakeClock()
  const syslog = await Syslog.open({ tag: 'x', clock, folders: [folder] })
  t.after(() => syslog.close())
  syslog.sink(line('one'))
  const pid = Number(await eventually('its start', () => pidsIn(folder)[0]))
  process.kill(pid, 'SIGKILL')
  await eventually('its end', () => !isRunning(pid))
  await eventually('a lost line', () => {
    syslog.sink(line('two'))
    return syslog.lostLines() > 0
  })
  assert.equal(pidsIn(folder).length, 1)
  await clock.advance(10_000)
  await eventually('the third line', () => {
    // As often as it takes: the agent may not have heard yet that the first one ended.
    syslog.sink(line('three'))
    return readFileSync(join(folder, 'log'), 'utf8').includes('three')
  })
  assert.equal(pidsIn(folder).length, 2)
})

function pidsIn(folder: string): string[] {
  return readFileSync(join(folder, 'pids'), 'utf8').match(/\d+$/gm) ?? []
}

test('a system without logger says so', async t => {
  const work = Syslog.open({ tag: 'x', clock: systemClock, folders: [tempDir(t)] })
  await assert.rejects(work, { code: 'NOT_SUPPORTED', message: /no program "logger"/ })
})
