// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Emitter } from '../../../src/base/emitter.ts'
import { settle } from '../../helpers/fake-clock.ts'

interface Events extends Record<string, readonly unknown[]> {
  told: [text: string]
}

test('a listener that throws is reported, and the others still hear', async () => {
  const failures: string[] = []
  const emitter = new Emitter<Events>((event, error) => void failures.push(`${event}: ${(error as Error).message}`))
  const heard: string[] = []
  emitter.on('told', () => {
    throw new Error('sync')
  })
  emitter.on('told', async () => {
    throw new Error('async')
  })
  emitter.on('told', text => void heard.push(text))
  emitter.emit('told', 'hello')
  await settle()
  assert.deepEqual(heard, ['hello'])
  assert.deepEqual(failures.sort(), ['told: async', 'told: sync'])
})

test('a listener that removes itself while called disturbs no other', () => {
  const emitter = new Emitter<Events>(() => {})
  const heard: string[] = []
  const off = emitter.on('told', () => {
    heard.push('first')
    off()
  })
  emitter.on('told', () => void heard.push('second'))
  emitter.emit('told', 'x')
  emitter.emit('told', 'y')
  assert.deepEqual(heard, ['first', 'second', 'second'])
})
