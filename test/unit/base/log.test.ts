import assert from 'node:assert/strict'
import { test } from 'node:test'
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
