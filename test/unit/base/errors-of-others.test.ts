// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asAgentError, errnoOf, messageOf } from '../../../src/base/errors.ts'
import { memoryLog } from '../../helpers/memory-log.ts'

const trap = () => {
  throw new Error('mine')
}
const withTrap = (property: string) => Object.defineProperty(new Error('x'), property, { get: trap })
const odd: readonly unknown[] = [
  Object.create(null),
  { toString: trap },
  withTrap('message'),
  withTrap('code'),
  withTrap('syscall'),
  new Proxy(new Error('x'), { get: trap, has: trap, getPrototypeOf: trap }),
  Object.assign(new Error('x'), { message: 42 }),
]

test('whatever an application throws has a text, an errno or none, and a place in the log', () => {
  const { log } = memoryLog()
  for (const error of odd) {
    assert.equal(typeof messageOf(error), 'string')
    assert.equal(errnoOf(error), undefined)
    log.warn('a handler failed', { why: messageOf(error) })
  }
  for (const error of odd.slice(0, -2)) assert.equal(asAgentError(error).code, 'INTERNAL')
  log.warn('a listener failed', { error: withTrap('message') })
})
