// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { maxLogChars } from '../../../src/base/log.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { memoryLog } from '../../helpers/memory-log.ts'

test('a secret appears in no message, field, nested value or error', () => {
  const { log, text } = memoryLog()
  log.hide('t0k3n')
  log.info('login with t0k3n', { password: 't0k3n', nested: { deep: ['t0k3n'] }, error: new Error('bad t0k3n') })
  log.child('link').warn('t0k3n again')
  assert.doesNotMatch(text(), /t0k3n/)
  assert.equal(text().split('[hidden]').length - 1, 5)
})

test('a line from outside cannot forge a second line or drive the terminal', () => {
  const { log, text } = memoryLog()
  log.info('x\n2024 ERROR forged \u001b[2J', { field: 'a\nb' })
  assert.equal(text().split('\n').length, 1)
  assert.equal(text().includes('\u001b'), false)
})

test('a flood is one line a minute, and the next line says how many were held back', () => {
  const clock = new FakeClock()
  const { log, records } = memoryLog(clock)
  for (let i = 0; i < 1000; i++) log.limited('malformed', 'warn', 'malformed message')
  assert.equal(records.length, 1)
  return clock.advance(60_000).then(() => {
    log.limited('malformed', 'warn', 'malformed message')
    assert.equal(records.length, 2)
    assert.equal(records[1]?.fields.repeated, 999)
  })
})

test('kinds made up by a peer cannot fill the memory', () => {
  const { log, records } = memoryLog(new FakeClock())
  for (let i = 0; i < 5000; i++) log.limited(`kind-${i}`, 'warn', 'x')
  assert.equal(records.length, 500)
})

test('lines below the level are not written', () => {
  const { log, records } = memoryLog()
  log.level = 'warn'
  log.info('no')
  log.child('other').debug('no')
  log.error('yes')
  assert.deepEqual(
    records.map(record => record.message),
    ['yes'],
  )
})

test('what comes from outside by the megabyte is cut, after the secrets are out', () => {
  const { log, records } = memoryLog()
  log.hide('S3CRET')
  const long = 'x'.repeat(maxLogChars - 3) + 'S3CRET'.repeat(200_000)
  log.error(long, { error: new Error(long), field: long, list: [long] })
  const [record] = records
  assert.equal(Object.keys(record?.fields ?? {}).length, 3)
  for (const text of [record?.message, ...Object.values(record?.fields ?? {})].map(String)) {
    assert.ok(text.length < maxLogChars + 100 && text.includes('characters, cut)'), `${text.length} characters`)
    assert.doesNotMatch(text, /S3C/)
  }
})

test('a field that JSON cannot hold does not cost the line', () => {
  const { log, text } = memoryLog()
  const cyclic: Record<string, unknown> = {}
  cyclic.me = cyclic
  log.info('odd', { cyclic, deep: JSON.parse('['.repeat(100_000) + ']'.repeat(100_000)), big: { at: 1n } })
  assert.match(text(), /odd cyclic="\[not JSON\]" deep="(?:\[not JSON\]|\[{1000}.*)" big="\[not JSON\]"/)
})
