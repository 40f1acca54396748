// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Faults } from '../../../src/cloud/faults/faults.ts'

test('a fault strikes as often as `times` says, then it is cleared', () => {
  const faults = new Faults()
  faults.set('dropReply', { times: 2 })
  assert.ok(faults.take('dropReply'))
  assert.ok(faults.take('dropReply'))
  assert.equal(faults.take('dropReply'), undefined)
  assert.deepEqual(faults.list(), [])
})

test('a fault strikes only where its filters match', () => {
  const faults = new Faults()
  faults.set('dropReply', { command: 'alarm.*', thingKey: 'dev-1', transport: 'mqtt' })
  const about = { thingKey: 'dev-1', transport: 'mqtt', commands: ['alarm.batch'] }
  assert.ok(faults.take('dropReply', about))
  assert.equal(faults.take('dropReply', { ...about, thingKey: 'dev-2' }), undefined)
  assert.equal(faults.take('dropReply', { ...about, transport: 'wss' }), undefined)
  assert.equal(faults.take('dropReply', { ...about, commands: ['property.batch'] }), undefined)
})

test('an invalid fault is refused with the reason', () => {
  const faults = new Faults()
  assert.throws(() => faults.set('noSuch', {}), /no fault "noSuch"\. There are: swallowRequest/)
  assert.throws(() => faults.set('delayReply', { seconds: 1 }), /delayReply has no parameter "seconds"\. It has: ms/)
  assert.throws(() => faults.set('delayReply', { ms: 'long' }), /ms must be a number\./)
  assert.deepEqual(faults.list(), [])
})

test('faults are cleared by id, by name or all', () => {
  const faults = new Faults()
  const { id } = faults.set('dropReply', {})
  faults.set('delayReply', { ms: 1 })
  faults.set('delayReply', { ms: 2 })
  assert.equal(faults.peek('delayReply')?.ms, 2)
  assert.equal(faults.clear({ id }), 1)
  assert.equal(faults.clear({ name: 'delayReply' }), 2)
  assert.throws(() => faults.clear({ id }), /is not known/)
})

test('a fault whose listener throws is not switched on', () => {
  const faults = new Faults()
  faults.onChange(() => {
    throw new Error('no such port')
  })
  assert.throws(() => faults.set('stopListening', {}), /no such port/)
  assert.deepEqual(faults.list(), [])
})
